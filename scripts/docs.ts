// Builds the documentation site into .site/dist: the pages of docs/, and the reference from the doc comments. A public thing
// without a comment, a sample that names nothing, and a link that leads nowhere, end it with an error.
import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vitepress'
import { deadLinks } from './docs/check-links.ts'
import { readContents } from './docs/contents.ts'
import { layOutPages } from './docs/lay-out-pages.ts'
import { llmsFullText, llmsText } from './docs/llms-text.ts'

const pages = '.site/pages'
const dist = '.site/dist'

rmSync('.site', { recursive: true, force: true })
mkdirSync(pages, { recursive: true })
layOutPages(pages)
execFileSync('typedoc', { stdio: 'inherit' })
await build('docs')

const contents = readContents('docs/index.md')
for (const file of globSync('*.md', { cwd: pages })) cpSync(join(pages, file), join(dist, file))
writeFileSync(join(dist, 'llms.txt'), llmsText(contents))
writeFileSync(join(dist, 'llms-full.txt'), llmsFullText(contents, pages))

const dead = deadLinks(dist, process.env.DOCS_BASE ?? '/')
for (const link of dead) console.error(`dead link in ${link}`)
console.log(`${globSync('**/*.html', { cwd: dist }).length} pages in ${dist}, ${dead.length} dead links`)
if (dead.length > 0) process.exitCode = 1
