import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Builds and packs the package into `folder`, as `npm publish` would. Returns the tarball's path. */
export function packInto(folder: string): string {
  npm(['pack', '--pack-destination', folder], '.')
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`Expected npm pack to leave a tarball in ${folder}, found none`)
  return join(folder, tarball)
}

/** Installs `packages`, names with versions or tarballs, into a project of its own without development dependencies. */
export function installInto(folder: string, packages: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  // The `node` package fetches its binary in an install script, which npm 12 runs only for those who allow it.
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { node: true } }))
  npm(['install', '--omit=dev', '--no-audit', '--no-fund', ...packages], folder)
}

/** Hands `work` a folder that is gone afterwards. */
export async function inTemporaryFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'recalc-service-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function npm(args: readonly string[], cwd: string): void {
  execFileSync('npm', ['--loglevel=error', ...args], { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
