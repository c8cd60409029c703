import { check } from './core.cjs'

const [entry, expectedNames] = process.argv.slice(2)
await check(await import(entry), expectedNames)
