import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT_PAGES } from './site-file.ts'

/** Lays out the pages of docs/ in `folder`, with those that lie beside it, and pictures as part of their page. */
export function layOutPages(folder: string): void {
  for (const file of globSync('**/*.md', { cwd: 'docs' })) writePage(join('docs', file), join(folder, file))
  for (const [file, name] of Object.entries(ROOT_PAGES)) writePage(file, join(folder, name))
  cpSync('docs/pictures', join(folder, 'pictures'), { recursive: true })
}

function writePage(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, withPictures(withSiteLinks(readFileSync(source, 'utf8'))))
}

/** Links between docs/ and the files beside it, as they are where all pages lie in one folder. */
function withSiteLinks(text: string): string {
  const renamed = Object.entries(ROOT_PAGES).reduce(
    (page, [file, name]) => page.replaceAll(`](../${file}`, `](${name}`).replaceAll(`](${file}`, `](${name}`),
    text,
  )
  return renamed.replaceAll('](docs/', '](')
}

/** A picture inside its page takes the page's colours. */
function withPictures(text: string): string {
  return text.replaceAll(/^!\[([^\]]*)\]\((pictures\/[\w-]+\.svg)\)$/gm, (_, title: string, file: string) => {
    const picture = readFileSync(join('docs', file), 'utf8').replaceAll(/\n\s*/g, ' ')
    return `<div class="picture" role="img" aria-label="${title.replaceAll('"', '&quot;')}">${picture}</div>`
  })
}
