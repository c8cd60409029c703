import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { metrics } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { gaugesOf, instrumentsOf } from '../../src/otel/instruments.ts'

const root = join(import.meta.dirname, '../..')

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

const dashboard: Dashboard = JSON.parse(readFileSync(join(root, 'examples/prometheus/dashboard.json'), 'utf8'))
const asked = dashboard.panels
  .flatMap(({ targets }) => targets)
  .flatMap(({ expr }) => [...expr.matchAll(/\brecalc_\w+(?=\[|\))/g)].map(([name]) => name))
  .filter((name) => !/^recalc_(outcome|\w+_(name|kind|state|status))$/.test(name))

/** Everything that may be measured, as Prometheus calls it; what was never measured is not exposed. */
function exposable(): ReadonlySet<string> {
  const made: { readonly name: string; readonly type: string }[] = []
  const meter = new Proxy(metrics.getMeter('any'), {
    get: (_, type: string) => (name: string) => made.push({ name, type }),
  })
  instrumentsOf(meter)
  gaugesOf(meter)
  return new Set(
    made.flatMap(({ name, type }) => {
      const base = name.replaceAll('.', '_')
      if (type === 'createHistogram') return [`${base}_bucket`, `${base}_count`, `${base}_sum`]
      return type === 'createCounter' ? [`${base}_total`] : [base]
    }),
  )
}

test('the dashboard asks only for metrics that there are', () => {
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter((name) => !exposable().has(name))).toEqual([])
})

test('the names are those that Prometheus is really given', () => {
  const output = execFileSync(process.execPath, ['examples/prometheus/main.ts'], { cwd: root, encoding: 'utf8' })
  const samples = [...output.matchAll(/^(recalc_\w+)\{/gm)].map((match) => match[1] as string)
  const names = new Set(samples)
  expect([...names].filter((name) => !exposable().has(name))).toEqual([])
  for (const name of ['recalc_days_total', 'recalc_block_duration_bucket', 'recalc_changes_oldest_age']) {
    expect(names).toContain(name)
  }
})

test('the documentation has every metric, and no other', () => {
  const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8')
  const told = [...page.matchAll(/^\| `(recalc\.[\w.]+)` \((?:counter|gauge|histogram)\)/gm)].map((match) => match[1])
  const made: string[] = []
  const meter = new Proxy(metrics.getMeter('any'), { get: () => (name: string) => made.push(name) })
  instrumentsOf(meter)
  gaugesOf(meter)
  expect(told.toSorted()).toEqual(made.toSorted())
})
