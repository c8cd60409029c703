import { z } from 'zod'
import { fromEpochDay } from '../../calendar/epoch-day.ts'
import type { StoredChange } from '../../changes/change-ledger.ts'
import { named } from '../openapi/schemas/components.ts'
import { choiceField, countField, idField, instantField, wholeNumberField } from '../openapi/schemas/fields.ts'
import { checkOwnTenant } from '../request/own-tenant.ts'
import type { DescribeFailure } from '../response/failure-text.ts'
import { json } from '../response/json.ts'
import { route } from './route.ts'

const STATES = ['waiting', 'failing', 'held'] as const

/** The most instants of one change that are told. */
const INSTANTS = 20

const dirtyPage = named(
  'DirtyPage',
  z.strictObject({
    changes: z.array(
      z.strictObject({
        id: countField('Ascends in the order of the notes'),
        employee_id: z.string().nullable().meta({ description: 'Null: everybody, or the tenant as a whole' }),
        state: z.enum(STATES),
        table: z.string().nullable().meta({ description: 'What was changed; null: days are to be calculated again' }),
        stage: z.string().nullable().meta({ description: 'Only from this stage on' }),
        at: z.array(instantField('When')).meta({ description: `Where rows are different; the first ${INSTANTS}` }),
        start_date: z.string().nullable().meta({ format: 'date', description: 'Null: no beginning, or see `at`' }),
        end_date: z.string().nullable().meta({ format: 'date', description: 'Null: no end, or see `at`' }),
        attempts: countField('How often it failed, or was found closed, in a row'),
        code: z.string().nullable(),
        message: z.string().nullable().meta({ description: 'Why it failed' }),
        noted_at: instantField('When it was noted'),
        due_at: instantField('When it is looked at again; null: as soon as possible').nullable(),
      }),
    ),
    next: z.number().int().nullable().meta({ description: 'What to ask for with `after`; null on the last page' }),
  }),
  'Changes that are not settled',
)

/** What is not settled. */
export const dirtyRoute = route(
  {
    method: 'GET',
    path: '/dirty',
    action: 'read',
    name: 'dirty',
    summary: 'Changes that are not settled, in the order of their notes',
    query: z.strictObject({
      tenant_id: idField('Whose changes'),
      state: choiceField('Only those', STATES).optional(),
      after: wholeNumberField('An id: only later ones', { least: 0, most: Number.MAX_SAFE_INTEGER }).optional(),
      limit: wholeNumberField('How many. Default 100', { least: 1, most: 500 }).optional(),
    }),
    answers: { 200: { description: 'A page of changes', schema: dirtyPage } },
  },
  async (call) => {
    const { recalc, options } = call.api
    const { tenant_id: tenantId, state, after = 0, limit = 100 } = call.query
    checkOwnTenant(call, tenantId)
    const found = await recalc.listDirty({ tenantId, after, limit: limit + 1, ...(state && { state }) })
    const page = found.slice(0, limit)
    const changes = page.map((change) => changeView(change, options.describeFailure))
    return json({ changes, next: found.length <= limit ? null : (page.at(-1)?.id ?? null) })
  },
)

function changeView(change: StoredChange, describeFailure: DescribeFailure) {
  const { id, employeeId, state, content, attempts, error, notedAt, dueAt } = change
  return {
    id,
    employee_id: employeeId,
    state,
    ...whatOf(content),
    attempts,
    code: error?.code ?? null,
    message: error && describeFailure(error),
    noted_at: new Date(notedAt).toISOString(),
    due_at: dueAt > notedAt ? new Date(dueAt).toISOString() : null,
  }
}

function whatOf(content: StoredChange['content']) {
  if ('days' in content) {
    const [first, last] = content.days
    const stage = 'stage' in content ? content.stage : (content.from ?? null)
    return { table: null, stage, at: [], start_date: fromEpochDay(first), end_date: fromEpochDay(last) }
  }
  const { table, at = [], from = null, to = null } = content
  const instants = at.slice(0, INSTANTS).map((instant) => new Date(instant).toISOString())
  return { table, stage: null, at: instants, start_date: from, end_date: to }
}
