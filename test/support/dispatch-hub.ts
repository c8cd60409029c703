import type { LaneDispatcher, LaneHandler, LanePointer } from 'recalc-service/backend'

/** What becomes of a pointer on its way. */
export type Fate = 'once' | 'twice' | 'late' | 'never'

interface Seat {
  readonly handler: LaneHandler
  readonly concurrency: number
  busy: number
  isOpen: boolean
}

interface Message {
  readonly pointer: LanePointer
  readonly refusedBy: Set<Seat>
}

/** Carries pointers between services of this process, as badly as it is told to. */
export class DispatchHub {
  /** Every pointer that was sent. */
  readonly sent: LanePointer[] = []
  /** How often each worker was called, in the order in which they began to work. */
  readonly calls: number[] = []
  isAway = false
  readonly #fate: (pointer: LanePointer) => Fate
  readonly #seats: Seat[] = []
  readonly #messages: Message[] = []
  readonly #late: Message[] = []

  constructor(fate: (pointer: LanePointer) => Fate = () => 'once') {
    this.#fate = fate
  }

  /** One for each service. `isDead`: its process does and hears nothing any more. */
  dispatcher(isDead: () => boolean = () => false): LaneDispatcher {
    let seat: Seat | undefined
    return {
      dispatch: async (pointers) => {
        if (isDead()) return await new Promise(() => {})
        if (this.isAway) throw new Error('the hub is away')
        for (const pointer of pointers) this.#take(pointer)
        this.#deliver()
      },
      work: (handler, { concurrency }) => {
        const number = this.calls.push(0) - 1
        const counted: LaneHandler = (pointer) => {
          this.calls[number]! += 1
          return isDead() ? new Promise(() => {}) : handler(pointer)
        }
        seat = { handler: counted, concurrency, busy: 0, isOpen: true }
        this.#seats.push(seat)
        this.#deliver()
      },
      stop: async () => {
        if (seat) seat.isOpen = false
      },
    }
  }

  #take(pointer: LanePointer): void {
    this.sent.push(pointer)
    const fate = this.#fate(pointer)
    const message = () => ({ pointer, refusedBy: new Set<Seat>() })
    // What was late comes in front of what follows.
    if (fate === 'late') this.#late.push(message())
    else if (fate !== 'never') {
      this.#messages.push(message(), ...(fate === 'twice' ? [message()] : []), ...this.#late.splice(0))
    }
  }

  #deliver(): void {
    for (let place = 0; place < this.#messages.length; ) {
      const message = this.#messages[place]!
      const free = this.#seats.filter(
        (seat) => seat.isOpen && seat.busy < seat.concurrency && !message.refusedBy.has(seat),
      )
      const [seat] = free.sort((a, b) => a.busy - b.busy)
      if (!seat) {
        place += 1
        continue
      }
      this.#messages.splice(place, 1)
      seat.busy += 1
      void seat.handler(message.pointer).then((answer) => {
        seat.busy -= 1
        if (answer === 'refused') this.#messages.push({ ...message, refusedBy: new Set([...message.refusedBy, seat]) })
        this.#deliver()
      })
    }
  }
}
