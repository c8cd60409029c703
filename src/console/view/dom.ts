/** An element of the page, by its id. @throws {Error} when the page and its script do not belong together. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`Expected #${id} to be a ${kind.name}, got ${found}`)
  return found
}

/** A new element. Text is only ever set as text: whatever a name or a message holds, it is no markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: { readonly className?: string; readonly text?: string; readonly role?: string } = {},
  children: readonly Node[] = [],
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (options.className !== undefined) element.className = options.className
  if (options.text !== undefined) element.textContent = options.text
  if (options.role !== undefined) element.role = options.role
  element.append(...children)
  return element
}

/** Sets the text only when it changes, so that neither a selection nor a screen reader is disturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** A notice that is there only when it says something. */
export function setNotice(element: HTMLElement, text: string | null): void {
  setText(element, text ?? '')
  element.hidden = text === null
}

/** A button that stays where it is, and keeps the focus, while what it began goes on. */
export async function whileBusy(button: HTMLButtonElement, work: () => Promise<void>): Promise<void> {
  if (button.ariaBusy === 'true') return
  button.ariaBusy = 'true'
  try {
    await work()
  } finally {
    button.ariaBusy = 'false'
  }
}
