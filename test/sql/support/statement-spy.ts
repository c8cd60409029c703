import type { Kysely } from 'kysely'

export interface Statement {
  readonly text: string
  readonly parameters: readonly unknown[]
}

/** The same, with every statement written down. */
export function spy<K extends Kysely<never>>(kysely: K, seen: Statement[]): K {
  return new Proxy(kysely, {
    get(target, member) {
      if (member === 'withoutPlugins') {
        return () =>
          target.withoutPlugins().withPlugin({
            transformQuery({ node }) {
              const { sql: text, parameters } = target.getExecutor().compileQuery(node, { queryId: 'spy' } as never)
              seen.push({ text, parameters })
              return node
            },
            transformResult: async ({ result }) => result,
          })
      }
      const value: unknown = Reflect.get(target, member, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
