/** What hosts really have in ids, reasons and messages, or could be fed: all different, and to stay so. */
export const HOSTILE_STRINGS: readonly [string, ...string[]] = [
  `'; DROP TABLE jobs; --`,
  `quotes ' " \` and backslashes \\ \\' \\\\`,
  `percent % underscore _ question ? colon :a dollar $1 {"json": [null]}`,
  'line\nbreak\r\nand\ttab',
  'emoji 👩🏽‍🚀 and 漢字',
  'right-to-left \u202E gnirts \u200F עברית',
  'x'.repeat(255),
  '😀'.repeat(127),
  // Alike to a sloppy collation, different ids all the same.
  'anna',
  'Anna',
  'ANNA',
  'änna',
  'a\u0308nna',
  'anna ',
  ' anna',
  'strasse',
  'straße',
  // Alike to a sloppy conversion.
  '0',
  '00',
  '1e0',
  '1',
  'null',
  'undefined',
  '__proto__',
]
