import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Links of a built site that lead nowhere: to a file that is not there, or to a place that the page does not have. */
export function deadLinks(folder: string, base: string): readonly string[] {
  const pages = new Map(
    globSync('**/*.html', { cwd: folder }).map((file) => [file, readFileSync(join(folder, file), 'utf8')]),
  )
  const places = new Map([...pages].map(([file, html]) => [file, new Set(all(html, /\sid="([^"]+)"/g))]))
  const dead: string[] = []
  for (const [page, html] of pages) {
    for (const link of new Set(all(html, /\s(?:href|src)="([^"]+)"/g))) {
      if (/^(https?:|data:|mailto:)/.test(link)) continue
      const [path = '', place = ''] = link.split('#')
      const target = fileOf(path, page, base)
      const isThere = place === '' || !target.endsWith('.html') || places.get(target)?.has(decodeURIComponent(place))
      if (!existsSync(join(folder, target)) || !isThere) dead.push(`${page}: ${link}`)
    }
  }
  return dead
}

function fileOf(path: string, page: string, base: string): string {
  if (path === '') return page
  const below = path.startsWith(base) ? path.slice(base.length) : join(dirname(page), path)
  const file = normalize(decodeURIComponent(below))
  return file === '.' || file.endsWith('/') ? join(file, 'index.html') : file
}

function all(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] as string)
}
