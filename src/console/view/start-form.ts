import { type FieldErrors, formField, type StartInput, startRequestOf } from '../model/start-request.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { Api } from '../net/api.ts'
import type { Estimate, StartRequest } from '../net/api-types.ts'
import { type Problem, problemOf } from '../net/problem.ts'
import { byId, setNotice, setText, whileBusy } from './dom.ts'
import { estimateText } from './estimate-text.ts'
import { goTo } from './route-view.ts'
import { showStartProblem } from './start-problem.ts'
import { chosenTables, offerTables } from './table-choice.ts'

/** The fields, by the names that the API gives them, and the ids of what they are typed into. */
const FIELDS: Readonly<Record<string, string>> = {
  tenant_id: 'tenant',
  start_date: 'start-date',
  end_date: 'end-date',
  employee_ids: 'employees',
  tables: 'tables',
  clear_existing: 'clear-existing',
  reason: 'reason',
}

/**
 * The form that starts a job, in two steps: what is typed in is estimated first, and what was estimated is what is
 * started. Whoever changes a field has to look at a new estimate.
 */
export class StartForm {
  readonly #api: Api
  readonly #onStarted: () => void
  readonly #form = byId('start-form', HTMLFormElement)
  readonly #problem = byId('start-problem', HTMLElement)
  readonly #estimate = byId('estimate', HTMLElement)
  /** What the estimate that is shown is about. */
  #ready: { readonly request: StartRequest; readonly idempotencyKey: string } | null = null
  /** Ascends with every change: an estimate that comes later than one is of no use. */
  #edits = 0

  constructor(api: Api, store: Store<State, Action>, onStarted: () => void) {
    this.#api = api
    this.#onStarted = onStarted
    const estimateButton = byId('estimate-button', HTMLButtonElement)
    const startButton = byId('start-button', HTMLButtonElement)
    this.#form.addEventListener('input', () => this.#edited())
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      void whileBusy(estimateButton, () => this.#submit())
    })
    startButton.addEventListener('click', () => void whileBusy(startButton, () => this.#start()))
    byId('edit-button', HTMLButtonElement).addEventListener('click', () => {
      this.#edited()
      byId('tenant', HTMLElement).focus()
    })
    this.#showChoices()
    store.subscribe(({ access }, before) => {
      if (access === before?.access) return
      this.#form.reset()
      offerTables(access.name === 'open' ? access.me.tables : [])
      this.#edited()
      const tenants = access.name === 'open' ? access.me.tenants : '*'
      if (tenants !== '*' && tenants.length === 1) byId('tenant', HTMLInputElement).value = tenants[0] ?? ''
    })
  }

  #edited(): void {
    this.#edits += 1
    this.#ready = null
    this.#estimate.hidden = true
    this.#showChoices()
    this.#showErrors(new Map())
    setNotice(this.#problem, null)
  }

  #showChoices(): void {
    byId('employees-field', HTMLElement).hidden = !isChecked('employees-some')
    byId('tables-field', HTMLElement).hidden = !isChecked('tables-some')
  }

  async #submit(): Promise<void> {
    setNotice(this.#problem, null)
    const request = startRequestOf(readInput())
    if (request instanceof Map) return this.#showErrors(request)
    // The check above tells the two apart, which the types of a Map and of an object do not.
    await this.#estimated(request as StartRequest)
  }

  async #estimated(request: StartRequest): Promise<void> {
    const edits = this.#edits
    let estimate: Estimate
    try {
      estimate = await this.#api.estimate(request)
    } catch (error) {
      if (edits === this.#edits) this.#refused(problemOf(error))
      return
    }
    if (edits !== this.#edits) return
    this.#showErrors(new Map())
    this.#ready = { request, idempotencyKey: newIdempotencyKey() }
    setText(byId('estimate-text', HTMLElement), estimateText(request, estimate))
    this.#estimate.hidden = false
    // Not the button: who presses Enter twice has not read it.
    this.#estimate.focus()
  }

  async #start(): Promise<void> {
    const ready = this.#ready
    if (!ready) return
    try {
      const { job_id } = await this.#api.start(ready.request, ready.idempotencyKey)
      this.#form.reset()
      this.#edited()
      this.#onStarted()
      goTo({ name: 'job', jobId: job_id })
    } catch (error) {
      // The estimate stays when only time is in the way; the key then makes sure that nothing is started twice.
      const problem = problemOf(error)
      if (!problem.passing && problem.status !== 409) this.#edited()
      this.#refused(problem)
    }
  }

  #refused(problem: Problem): void {
    const errors = new Map<string, string>()
    const others: string[] = []
    for (const { field, message } of problem.details.errors ?? []) {
      const name = formField(field)
      if (name in FIELDS) errors.set(name, message)
      else others.push(`${field}: ${message}`)
    }
    showStartProblem(this.#problem, problem, others, errors.size > 0)
    this.#showErrors(errors)
  }

  #showErrors(errors: FieldErrors): void {
    let first: HTMLElement | undefined
    for (const [name, id] of Object.entries(FIELDS)) {
      const inputs = inputsOf(byId(id, HTMLElement))
      const message = errors.get(name) ?? null
      setNotice(byId(`${id}-error`, HTMLElement), message)
      for (const input of inputs) input.ariaInvalid = message === null ? null : 'true'
      // What is wrong must be in sight.
      if (message !== null && id === 'employees') reveal('employees-some')
      if (message !== null && id === 'tables') reveal('tables-some')
      if (message !== null) first ??= inputs[0]
    }
    this.#showChoices()
    first?.focus()
  }
}

function readInput(): StartInput {
  const text = (id: string) => byId(id, HTMLInputElement).value.trim()
  return {
    tenantId: text('tenant'),
    startDate: text('start-date'),
    endDate: text('end-date'),
    employees: isChecked('employees-some') ? byId('employees', HTMLTextAreaElement).value : null,
    tables: isChecked('tables-some') ? chosenTables() : null,
    clearExisting: isChecked('clear-existing'),
    reason: text('reason'),
  }
}

/** A field, or the fields of a group. */
function inputsOf(field: HTMLElement): readonly HTMLElement[] {
  return field instanceof HTMLFieldSetElement ? [...field.querySelectorAll('input')] : [field]
}

function isChecked(id: string): boolean {
  return byId(id, HTMLInputElement).checked
}

function reveal(id: string): void {
  byId(id, HTMLInputElement).checked = true
}

/** `crypto.randomUUID` is there only on secure origins; a console on a plain http host needs it, too. */
function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, '0')).join('')
}
