import { expect, test } from 'vitest'
import { asciiJson } from '../../src/sql/ascii-json.ts'
import { fc } from '../support/fc.ts'

test('is ASCII without NUL, and says the same as the JSON of any value', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const json = asciiJson(value)
      expect(json).toMatch(/^[ -~]*$/)
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test.each(['Łukasz', 'naïve', '漢字 👩🏽‍🚀', '\u0000\u007F\u2028', 'lone \uD800 surrogate'])('keeps %j', (text) => {
  expect(JSON.parse(asciiJson({ [text]: text }))).toEqual({ [text]: text })
})
