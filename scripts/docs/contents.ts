import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A page of the documentation, as its table of contents has it. */
interface ContentsPage {
  /** A path below docs/, such as `stages.md`. */
  readonly file: string
  readonly title: string
  /** What the page is about, in a sentence. */
  readonly summary: string
}

/** A group of pages. */
interface ContentsSection {
  readonly title: string
  readonly pages: readonly ContentsPage[]
}

/** What docs/index.md says: it is the site's sidebar, its llms.txt, and the way through docs/ for who reads the files. */
export interface Contents {
  readonly title: string
  readonly summary: string
  readonly sections: readonly ContentsSection[]
}

const PAGE = /^- \[(?<title>[^\]]+)\]\((?<file>[^)]+)\): (?<summary>.+)$/

/**
 * Reads a table of contents: a heading, a quotation, and lists of `- [Title](file.md): summary` under headings. Pages beside it
 * that it does not name come last.
 */
export function readContents(path: string): Contents {
  const lines = readFileSync(path, 'utf8').split('\n')
  const sections: { title: string; pages: ContentsPage[] }[] = []
  for (const line of lines) {
    if (line.startsWith('## ')) sections.push({ title: line.slice(3), pages: [] })
    if (!line.startsWith('- ')) continue
    const page = PAGE.exec(line)?.groups
    if (!page) throw new Error(`Expected a line "- [Title](file.md): summary" in ${path}, got ${JSON.stringify(line)}`)
    const { title = '', file = '', summary = '' } = page
    sections.at(-1)?.pages.push({ title, file, summary })
  }
  const title = lines.find((line) => line.startsWith('# '))?.slice(2) ?? ''
  const summary = lines.find((line) => line.startsWith('> '))?.slice(2) ?? ''
  if (title === '' || summary === '') throw new Error(`Expected a heading and a quotation in ${path}, found none`)
  const named = new Set(['index.md', ...sections.flatMap(({ pages }) => pages.map(({ file }) => file))])
  const folder = dirname(path)
  const others = globSync('*.md', { cwd: folder })
    .filter((file) => !named.has(file))
    .sort()
  if (others.length > 0) sections.push({ title: 'More', pages: others.map((file) => pageOf(folder, file)) })
  return { title, summary, sections }
}

/** A page that names itself by its first heading, and is told by its first sentence. */
function pageOf(folder: string, file: string): ContentsPage {
  const text = readFileSync(join(folder, file), 'utf8')
  const title = /^# (.+)$/m.exec(text)?.[1] ?? file
  const summary = /^# .+\n+(.+?[.:])(?:\s|$)/ms.exec(text)?.[1]?.replaceAll('\n', ' ') ?? title
  return { file, title, summary }
}
