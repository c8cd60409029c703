const SHOWN = 8

/** Prints the first lines, and how many more there are. */
export class FirstLines {
  #count = 0

  print(line: string): void {
    this.#count += 1
    if (this.#count <= SHOWN) console.log(`  ${line}`)
  }

  end(): void {
    if (this.#count > SHOWN) console.log(`  … and ${this.#count - SHOWN} more`)
  }
}
