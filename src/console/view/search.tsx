interface SearchProps {
  readonly label: string
  readonly search: string
  setSearch(search: string): void
}

/** What narrows a list down while it is typed. */
export function Search({ label, search, setSearch }: SearchProps) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder="Search"
      autocomplete="off"
      spellcheck={false}
      value={search}
      onInput={(event) => setSearch(event.currentTarget.value)}
    />
  )
}
