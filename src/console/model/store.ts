/** Holds a state, and tells whoever wants to know when it changed. */
export interface Store<State, Action> {
  readonly state: State
  dispatch(action: Action): void
  /** Calls at once, and after each change with what was before. */
  subscribe(listener: (state: State, before: State | null) => void): void
}

export function createStore<State, Action>(
  reduce: (state: State, action: Action) => State,
  initial: State,
): Store<State, Action> {
  let state = initial
  const listeners: ((state: State, before: State | null) => void)[] = []
  return {
    get state() {
      return state
    },
    dispatch(action) {
      const before = state
      state = reduce(before, action)
      if (state === before) return
      const now = state
      for (const listener of listeners) listener(now, before)
    },
    subscribe(listener) {
      listeners.push(listener)
      listener(state, null)
    },
  }
}
