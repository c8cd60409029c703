// What a user installs, seen with a user's eyes: the manifest, the types under every module resolution, and the types in
// strict hosts that check the declarations of their libraries too.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installInto, inTemporaryFolder, packInto } from './packed-package.ts'

const { devDependencies, exports: packageExports } = JSON.parse(readFileSync('package.json', 'utf8'))
const entries = Object.keys(packageExports).filter((entry) => entry !== './package.json')

const esm = entries.map((entry, index) => `export * as entry${index} from '${join('recalc-service', entry)}'\n`)
const commonJs = entries.map(
  (entry, index) => `export import entry${index} = require('${join('recalc-service', entry)}')\n`,
)

const hosts = [
  { file: 'host.mts', source: esm, options: ['--module', 'nodenext', '--lib', 'es2023'] },
  { file: 'host.cts', source: commonJs, options: ['--module', 'nodenext', '--lib', 'es2023'] },
  {
    file: 'host.mts',
    source: esm,
    options: ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom'],
  },
]

await inTemporaryFolder((folder) => {
  const tarball = packInto(folder)
  run('publint', ['run', '--strict', tarball])
  run('attw', ['--profile', 'esm-only', '--no-emoji', '--no-summary', tarball])

  const peers = [
    '@opentelemetry/api',
    'bullmq',
    'commander',
    'fast-check',
    'hono',
    'kysely',
    'mysql2',
    'zod',
    '@types/node',
  ].map((name) => `${name}@${devDependencies[name]}`)
  installInto(join(folder, 'host'), [tarball, ...peers])
  for (const { file, source, options } of hosts) {
    writeFileSync(join(folder, 'host', file), source.join(''))
    run(
      'tsc',
      ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2023', '--types', 'node', ...options, file],
      {
        cwd: join(folder, 'host'),
      },
    )
  }
})

function run(tool: string, args: readonly string[], options: { readonly cwd?: string } = {}): void {
  console.log(`\n$ ${tool} ${args.join(' ')}`)
  execFileSync(tool, args, { ...options, stdio: 'inherit' })
}
