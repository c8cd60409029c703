import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { readContents } from '../../scripts/docs/contents.ts'
import { siteFile } from '../../scripts/docs/site-file.ts'

const { title, summary, sections } = readContents(join(import.meta.dirname, '../index.md'))

// `npm run docs` lays the pages out in .site/pages before this is read. DOCS_BASE is the path below which the site is served.
export default defineConfig({
  title,
  description: summary,
  base: process.env.DOCS_BASE ?? '/',
  srcDir: '../.site/pages',
  outDir: '../.site/dist',
  cacheDir: '../.site/cache',
  lastUpdated: false,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/first-steps' },
      { text: 'Options', link: '/options' },
      { text: "API", link: "/api/" },
    ],
    sidebar: sections.map(({ title: text, pages }) => ({
      text,
      items: pages.map((page) => ({ text: page.title, link: `/${siteFile(page.file).replace(/\.md$/, '')}` })),
    })),
  },
})
