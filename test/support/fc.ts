import fc from 'fast-check'
import { seed } from './seed.ts'

// Every property of a file begins with the file's seed, so that one variable repeats any of them.
fc.configureGlobal({ seed })

export { fc }
