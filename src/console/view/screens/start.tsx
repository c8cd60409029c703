import { useEffect, useRef, useState } from 'preact/hooks'
import type { App } from '../../control/app.ts'
import { estimateText, refusalText } from '../../model/job-text.ts'
import { hashOf } from '../../model/route.ts'
import { emptyInput, fieldErrorsOf, inputLike, type StartInput, startRequestOf } from '../../model/start-request.ts'
import { may, onlyTenant } from '../../model/state.ts'
import type { Estimate, Me, StartRequest } from '../../net/api-types.ts'
import { type Problem, problemOf } from '../../net/problem.ts'
import { Button, Notice, submitting } from '../parts.tsx'
import { Preview } from '../preview.tsx'
import type { Screen, ViewProps } from '../screen.ts'
import { FIELDS, StartFields } from '../start-fields.tsx'

/** The form that starts a job, or shows what it would change. */
export const startScreen: Screen = {
  name: 'start',
  label: 'New job',
  needs: ['start', 'preview'],
  View: ({ app, state }) =>
    state.access.name === 'open' ? (
      <Start app={app} state={state} me={state.access.me} like={state.route.like} />
    ) : null,
}

/** What becomes of closed days in a preview. */
type Closed = 'skip' | 'include' | 'only'

/** What was estimated, and is what is started. */
interface Ready {
  readonly request: StartRequest
  readonly estimate: Estimate
  readonly idempotencyKey: string
}

/** Two steps: what is typed in is estimated first. Whoever changes a field has to look at a new estimate. */
function Start({ app, state, me, like }: ViewProps & { me: Me; like: string | null }) {
  const [input, setInput] = useState<StartInput>(() => ({ ...emptyInput, tenantId: onlyTenant(state) }))
  const [errors, setErrors] = useState<ReadonlyMap<string, string>>(new Map())
  const [problem, setProblem] = useState<Problem | null>(null)
  const [ready, setReady] = useState<Ready | null>(null)
  const [closed, setClosed] = useState<Closed | null>(null)
  const [note, setNote] = useState<string | null>(null)
  /** Ascends with every change: an estimate that comes later than one is of no use. */
  const edits = useRef(0)
  const screen = useRef<HTMLElement>(null)
  const focus = (selector: string) => screen.current?.querySelector<HTMLElement>(selector)?.focus()
  const edit = (change: Partial<StartInput>) => {
    edits.current += 1
    setInput((before) => ({ ...before, ...change }))
    setErrors(new Map())
    setProblem(null)
    setReady(null)
    setClosed(null)
  }
  useEffect(() => {
    if (like === null) return
    let wanted = true
    setNote('Reading the settings…')
    settingsOf(app, like).then(
      (settings) => {
        if (!wanted) return
        edit(settings.input)
        setNote(settings.note)
      },
      (error) => wanted && setNote(`The settings could not be read: ${problemOf(error).message}`),
    )
    return () => {
      wanted = false
    }
  }, [like])
  // Whoever made a mistake is led to it. After an estimate not to the button: who presses Enter twice has not read it.
  useEffect(() => {
    const wrong = Object.keys(FIELDS).find((name) => errors.has(name))
    if (wrong) focus(`#${FIELDS[wrong]}:not(fieldset), #${FIELDS[wrong]} input`)
    else if (ready) focus('#estimate')
  }, [errors, ready])

  const refuse = (refusal: Problem) => {
    const wrong = fieldErrorsOf(refusal.details.errors ?? [], Object.keys(FIELDS))
    setErrors(wrong)
    setProblem(refusal)
    // What is wrong must be in sight.
    if (wrong.has('employee_ids')) setInput((before) => ({ ...before, employees: before.employees ?? '' }))
    if (wrong.has('tables')) setInput((before) => ({ ...before, tables: before.tables ?? [] }))
  }
  const estimate = async () => {
    setProblem(null)
    const checked = startRequestOf(input)
    if ('errors' in checked) return setErrors(checked.errors)
    const { request } = checked
    const asked = edits.current
    try {
      const answer = await app.api.estimate(request)
      if (asked === edits.current) setReady({ request, estimate: answer, idempotencyKey: newIdempotencyKey() })
    } catch (error) {
      if (asked === edits.current) refuse(problemOf(error))
    }
  }
  const start = async ({ request, idempotencyKey }: Ready) => {
    try {
      const { job_id: id } = await app.api.start(request, idempotencyKey)
      app.goTo({ screen: 'jobs', id })
    } catch (error) {
      // The estimate stays when only time is in the way; the key then makes sure that nothing is started twice.
      const refusal = problemOf(error)
      if (!refusal.passing && refusal.status !== 409) setReady(null)
      refuse(refusal)
    }
  }
  const active = problem?.details.active_job_id
  const refusal = problem && refusalText(problem, errors, Date.now())
  return (
    <section class="pane screen stack" aria-labelledby="start-title" ref={screen}>
      <h2 id="start-title" tabIndex={-1}>
        New job
      </h2>
      <Notice text={note} />
      <form class="card" noValidate onSubmit={submitting()}>
        <StartFields me={me} input={input} errors={errors} edit={edit} />
        <Button submit class="primary" onClick={estimate} text="Estimate" />
      </form>
      {ready && (
        <section class="card stack" id="estimate" aria-labelledby="estimate-title" tabIndex={-1}>
          <h3 id="estimate-title">Estimate</h3>
          <p>{estimateText(ready.request, ready.estimate)}</p>
          <div class="row">
            {may(state, 'start') && <Button class="primary" onClick={() => start(ready)} text="Start the job" />}
            {may(state, 'preview') && <Button off={closed !== null} onClick={() => setClosed('skip')} text="Preview" />}
            <Button class="quiet" onClick={() => [setReady(null), focus('#tenant')]} text="Change it" />
          </div>
        </section>
      )}
      {ready && closed && (
        <Preview app={app} title="What the job would change" request={{ ...ready.request, closed }}>
          <label class="row">
            Closed days
            <select value={closed} onChange={(event) => setClosed(event.currentTarget.value as Closed)}>
              <option value="skip">are left as they are</option>
              <option value="include">are looked at, too</option>
              <option value="only">alone are looked at</option>
            </select>
          </label>
        </Preview>
      )}
      {refusal && (
        <p class="notice bad" role="alert">
          {refusal} {active && <a href={hashOf({ screen: 'jobs', id: active })}>Look at the job that is running</a>}
        </p>
      )}
    </section>
  )
}

/** The settings of an earlier job, and whose they are. */
async function settingsOf(app: App, jobId: string) {
  const job = await app.api.job(jobId, { urgent: true })
  const about = `With the settings of the job of ${job.created_at.slice(0, 10)}.`
  return { input: inputLike(job, job.kind === 'all' ? null : await employeeIdsOf(app, jobId)), note: about }
}

async function employeeIdsOf(app: App, jobId: string): Promise<readonly string[]> {
  const ids: string[] = []
  let after: string | null = null
  do {
    const { employees, next } = await app.api.employees(jobId, { after, limit: 200 }, { urgent: true })
    ids.push(...employees.map(({ employee_id: id }) => id))
    after = employees.length === 0 ? null : next
  } while (after !== null)
  return ids
}

/** `crypto.randomUUID` is there only on secure origins; a console on a plain http host needs it, too. */
function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, '0')).join('')
}
