import { ContractError } from '../../errors.ts'
import { messageOf } from '../../run/failure.ts'
import { datesOf } from '../difference.ts'
import { ItemStream } from '../item-stream.ts'
import { bookingKey, type LaneSource, type PreviewedLane } from '../previewed-lane.ts'
import { type RunningPreviews, underControl } from '../previewed-lanes.ts'
import { type AskedRange, type Correction, type OpenCorrection, openCorrection } from './correction.ts'
import { csvOf } from './correction-csv.ts'
import { CorrectionCounts, type CorrectionsSummary } from './corrections-summary.ts'

/** What is to be looked at, once the request is known to be right. */
export interface PreparedCorrections {
  readonly lanes: LaneSource
  readonly asked: AskedRange
}

/** What closed days and periods still owe. Iterate it once, as corrections or as CSV. */
export class Corrections implements AsyncIterable<Correction> {
  readonly #found: ItemStream<Correction, CorrectionsSummary>

  constructor(prepare: () => Promise<PreparedCorrections>, signal: AbortSignal | undefined, running: RunningPreviews) {
    const counts = new CorrectionCounts()
    this.#found = new ItemStream({
      async *pages() {
        const { lanes, asked } = await prepare()
        for await (const lane of underControl(lanes, signal, running)) {
          const corrections = openCorrections(lane, asked).map(({ correction }) => correction)
          counts.add(lane, corrections)
          yield corrections
        }
      },
      summary: (isComplete) => counts.summary(isComplete),
    })
  }

  /**
   * What they come to, once all were looked at. Awaited before anybody iterates, it goes through all of them and forgets them.
   * It rejects with what ended them.
   */
  get summary(): Promise<CorrectionsSummary> {
    return this.#found.summary
  }

  /**
   * By employee, then by date, then by stage.
   *
   * @throws {InvalidRequestError} when the request is wrong, or they are iterated a second time.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Correction, void, undefined> {
    return this.#found[Symbol.asyncIterator]()
  }

  /**
   * The same as CSV by RFC 4180, in pieces of whole lines, the names of the columns first. A row is one numeric field of a
   * correction. A text that a spreadsheet would take for a formula gets an apostrophe in front.
   */
  csv(): AsyncGenerator<string, void, undefined> {
    return csvOf(this)
  }
}

/** What is left to take over of a lane. */
export function openCorrections(
  { differences, bookings }: PreviewedLane,
  asked: AskedRange,
): readonly OpenCorrection[] {
  return differences
    .map((value) => {
      const { employeeId, stage } = value
      const { from } = datesOf(value)
      try {
        return openCorrection(value, bookings.get(bookingKey(stage, employeeId, from)), asked)
      } catch (cause) {
        // Such as an object that is too deep, or whose getters throw.
        const what = `A value of stage ${stage} (employee ${employeeId}, ${from}) cannot be looked through`
        throw new ContractError(`${what}: ${messageOf(cause)}`, { cause })
      }
    })
    .filter((open) => open !== undefined)
}
