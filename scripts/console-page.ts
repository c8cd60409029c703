// The console's page as one string: what src/console is written as, bundled. The page is authorised by the hashes
// of its one script and its one style sheet, so a policy that allows nothing else goes with it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

// tsup bundles this file into its configuration, and then only import.meta.url still tells where it lies.
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = 'src/console'

/** What is bundled into the page, and asks that its licence goes with it. */
const BUNDLED = ['eventsource-parser', 'preact']

/** What the page needs of a browser: those of spring 2024 have it. */
const TARGET = ['chrome124', 'firefox125', 'safari17.4']

/** A page and what it was made of. */
export interface ConsolePage {
  readonly html: string
  readonly contentSecurityPolicy: string
  /** Every file that the page is made of. */
  readonly files: readonly string[]
}

export async function buildConsolePage(): Promise<ConsolePage> {
  const template = join(ROOT, PAGE, 'page.html')
  const bundle = await build({
    absWorkingDir: ROOT,
    entryPoints: [join(PAGE, 'main.tsx'), join(PAGE, 'style/console.css')],
    outdir: 'out',
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'iife',
    platform: 'browser',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    legalComments: 'none',
    target: TARGET,
    logLevel: 'error',
  })
  const output = (extension: string) => {
    const found = bundle.outputFiles.find(({ path }) => path.endsWith(extension))
    if (!found) throw new Error(`Expected esbuild to give a ${extension}, got ${bundle.outputFiles.map((f) => f.path)}`)
    return found.text.trim()
  }
  const [script, style] = [output('.js'), output('.css')]
  const html = [
    `<!--\n${await licences()}\n-->\n`,
    compact(await readFile(template, 'utf8'))
      .replace('<style></style>', () => `<style>${style}</style>`)
      .replace('<script></script>', () => `<script>${script}</script>`),
  ]
  const files = [template, ...Object.keys(bundle.metafile.inputs).map((file) => join(ROOT, file))]
  return { html: html.reverse().join('\n'), contentSecurityPolicy: policy(script, style), files }
}

/** Without comments and indentation, which a reader of the page does not need. */
function compact(html: string): string {
  return html.replace(/<!--.*?-->/gs, '').replace(/\n\s+/g, '\n')
}

function policy(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

async function licences(): Promise<string> {
  const texts = BUNDLED.map(async (name) => {
    const text = await readFile(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8')
    return `This page holds ${name}:\n\n${text.trim()}`
  })
  // Two hyphens would end the comment.
  return (await Promise.all(texts)).join('\n\n').replaceAll('--', '-')
}
