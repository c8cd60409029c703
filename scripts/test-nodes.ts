// The packed package, installed as a host installs it, on the oldest Node that it promises and on the newest ones.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { installInto, inTemporaryFolder, packInto } from './packed-package.ts'

const nodeVersions = ['22.12.0', '24', '26']
const nodeCache = resolve('node_modules/.cache/recalc-service/nodes')
const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))

await inTemporaryFolder(async (folder) => {
  const tarball = packInto(folder)
  const bareHost = installHost(join(folder, 'bare'), [tarball])
  const sqlHost = installHost(join(folder, 'sql'), [tarball, `kysely@${devDependencies.kysely}`])
  const httpPeers = ['hono', 'zod'].map((name) => `${name}@${devDependencies[name]}`)
  const httpHost = installHost(join(folder, 'http'), [tarball, ...httpPeers])

  for (const node of nodeVersions.map(nodeBinary)) {
    await smoke(node, bareHost, 'recalc-service')
    await smoke(node, bareHost, 'recalc-service/testing')
    await smoke(node, sqlHost, 'recalc-service/sql')
    await smoke(node, httpHost, 'recalc-service/http')
  }
})

function installHost(folder: string, packages: readonly string[]): string {
  installInto(folder, packages)
  cpSync('scripts/smoke', folder, { recursive: true })
  return folder
}

/** The path of a Node of that version: the one that runs this, or one that is installed once and kept. */
function nodeBinary(version: string): string {
  if (process.version.startsWith(`v${version}.`)) return process.execPath
  const folder = join(nodeCache, version)
  const binary = join(folder, 'node_modules', 'node', 'bin', 'node')
  if (!existsSync(binary)) installInto(folder, [`node@${version}`])
  return binary
}

async function smoke(node: string, host: string, entry: string): Promise<void> {
  const names = JSON.stringify(Object.keys(await import(entry)))
  const version = run(node, host, ['--version']).stdout.trim()
  for (const script of ['import.mjs', 'require.cjs']) {
    const { stderr } = run(node, host, [script, entry, names])
    // 22.12 calls require() of an ES module experimental, whoever does it; from 22.13 on Node says nothing.
    const announced = version === 'v22.12.0' && script === 'require.cjs' && stderr.includes('ExperimentalWarning')
    if (stderr !== '' && !announced) throw new Error(`${script} ${entry} on ${version} wrote to stderr:\n${stderr}`)
    console.log(`${version}  ${script}  ${entry}  ok${announced ? '  (with an ExperimentalWarning)' : ''}`)
  }
}

function run(node: string, cwd: string, args: readonly string[]): { readonly stdout: string; readonly stderr: string } {
  // Without what would make Node itself speak up, or behave unlike it does for a host.
  const env = { ...process.env, NODE_OPTIONS: undefined, FORCE_COLOR: undefined, NO_COLOR: undefined }
  const result = spawnSync(node, args, { cwd, env, encoding: 'utf8', timeout: 60_000 })
  if (result.status === 0) return result
  throw new Error(`${node} ${args.join(' ')} ended with ${result.signal ?? result.status}\n${result.stderr}`, {
    cause: result.error,
  })
}
