import { isBuiltin } from 'node:module'
import { expect, test } from 'vitest'
import { type SourceImport, sourceFiles, sourceImports } from './source-imports.ts'

/** The rooms of the house, from the cellar up. A room imports from those below it; rooms side by side know nothing of each other. */
const floors = [
  ['expectation'],
  ['errors'],
  ['calendar'],
  ['pipeline'],
  ['run'],
  ['changes'],
  ['jobs', 'preview'],
  ['memory', 'sql'],
  ['options'],
  ['triggers', 'service-stop'],
  ['recalc-service'],
  ['index', 'backend'],
  ['http', 'cli', 'otel', 'bullmq', 'testing'],
  // A browser program of its own, which the build makes a string of: it shares no code with anything else.
  ['console'],
]

/** Rooms that lie above others and still know nothing of them: a host has the one without the other. */
const strangers: Readonly<Record<string, readonly string[]>> = {
  http: ['sql', 'memory', 'testing', 'otel'],
  cli: ['sql', 'memory', 'testing', 'otel'],
  otel: ['sql', 'memory', 'testing', 'http', 'cli'],
  bullmq: ['sql', 'memory', 'testing', 'http', 'cli', 'otel'],
  testing: ['sql', 'http', 'cli', 'otel', 'bullmq'],
  console: everyRoomBut('console'),
}

/** Where each package may be imported. */
const roomsOfPackage: Readonly<Record<string, readonly string[]>> = {
  luxon: ['calendar'],
  'p-limit': ['run'],
  eventemitter3: ['jobs'],
  kysely: ['sql'],
  mysql2: ['sql'],
  '@opentelemetry/api': ['otel'],
  bullmq: ['bullmq'],
  commander: ['cli'],
  'fast-check': ['testing'],
  hono: ['http'],
  zod: ['http'],
  // Bundled into the console's page.
  'eventsource-parser': ['console'],
  preact: ['console'],
  'virtual:console-page': ['http'],
}

test('every file of src/ lies in a room of the house', () => {
  expect(sourceFiles.length).toBeGreaterThan(0)
  expect(sourceFiles.filter((file) => floorOf(file) === -1)).toEqual([])
})

test('no room imports from a room above or beside it', () => {
  const wrong = sourceImports.filter((found) => found.relative && !pointsDown(found)).map(arrow)
  expect(wrong).toEqual([])
})

test('no room imports from one that it is to be a stranger to', () => {
  const wrong = sourceImports.filter(
    ({ from, to, relative }) => relative && strangers[roomOf(from)]?.includes(roomOf(to)),
  )
  expect(wrong.map(arrow)).toEqual([])
})

test('each package is imported only in the rooms that own it', () => {
  const wrong = sourceImports.filter(({ from, to, relative }) => {
    if (relative || isBuiltin(to)) return false
    return !roomsOfPackage[packageOf(to)]?.includes(roomOf(from))
  })
  expect(wrong.map(arrow)).toEqual([])
})

test('no file imports itself through others', () => {
  const calls = sourceImports.filter((found) => found.relative)
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push([...path.slice(start), file].join(' -> '))
    if (start >= 0 || done.has(file)) return
    for (const { from, to } of calls) if (from === file) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of sourceFiles) visit(file, [])
  expect(cycles).toEqual([])
})

function everyRoomBut(room: string): readonly string[] {
  return floors.flat().filter((other) => other !== room)
}

function pointsDown(found: SourceImport): boolean {
  if (roomOf(found.from) === roomOf(found.to)) return true
  return floorOf(found.to) < floorOf(found.from)
}

function floorOf(file: string): number {
  return floors.findIndex((rooms) => rooms.includes(roomOf(file)))
}

/** `src/run/plan.ts` lies in `run`, `src/errors.ts` is a room of its own. */
function roomOf(file: string): string {
  return file.replace(/^src\//, '').replace(/(\/.*|\.tsx?)$/, '')
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function arrow({ from, to }: SourceImport): string {
  return `${from} -> ${to}`
}
