/** Files beside docs/ that are pages of the site, too, and what they are called there. */
export const ROOT_PAGES: Readonly<Record<string, string>> = {
  'CHANGELOG.md': 'changelog.md',
  'SECURITY.md': 'security.md',
  'UPGRADING.md': 'upgrading.md',
}

/** Where a page of the table of contents lies in the site, whose pages are all in one folder. */
export function siteFile(file: string): string {
  return ROOT_PAGES[file.replace(/^\.\.\//, '')] ?? file
}
