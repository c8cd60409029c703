import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contents } from './contents.ts'
import { siteFile } from './site-file.ts'

/** The table of contents for programs that read the pages as Markdown: https://llmstxt.org. */
export function llmsText({ title, summary, sections }: Contents): string {
  const lists = sections.map(({ title: section, pages }) => {
    const lines = pages.map((page) => `- [${page.title}](${siteFile(page.file)}): ${page.summary}`)
    return `## ${section}\n\n${lines.join('\n')}\n`
  })
  return `# ${title}\n\n> ${summary}\n\n${lists.join('\n')}`
}

/** All pages of the table of contents in one, except for those of the reference that are made from the source. */
export function llmsFullText(contents: Contents, pages: string): string {
  const files = contents.sections.flatMap((section) => section.pages.map(({ file }) => siteFile(file)))
  const texts = files.map((file) => readFileSync(join(pages, file), 'utf8'))
  return `${llmsText(contents)}\n${texts.join('\n')}`
}
