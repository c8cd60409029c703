import type { Page } from 'playwright-core'

/** The texts of a page that stand out less from their background than WCAG's level AA asks for. */
export function poorContrasts(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(POOR_CONTRASTS)
}

const POOR_CONTRASTS = `(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const backgroundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  const poor = []
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')
    if (!own || !element.checkVisibility({ visibilityProperty: true }) || element.closest('.hidden, script, .swatch')) continue
    const style = getComputedStyle(element)
    const [text, back] = [luminance(parse(style.color)), luminance(backgroundOf(element))]
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05)
    if (ratio < 4.5) poor.push(element.tagName + ' ' + element.className + ' "' + element.textContent.slice(0, 30) + '": ' + ratio.toFixed(2))
  }
  return poor
})()`
