/** The bundled page, put in by scripts/console-plugins.ts. */
declare module 'virtual:console-page' {
  export const html: string
  export const contentSecurityPolicy: string
}
