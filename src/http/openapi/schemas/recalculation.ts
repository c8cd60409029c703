import { z } from 'zod'
import { named } from './components.ts'
import { dateField, idField, idsField, textField, whenBusyField } from './fields.ts'

const tables = z
  .array(idField('The name of a table'), { error: 'an array of table names' })
  .min(1, { error: 'an array of at least one table name' })
  .max(100, { error: 'an array of at most 100 table names' })
  .refine((names) => names.length === 1 || !names.includes('all'), { error: '"all" alone, or names of tables' })
  .transform((names) => (names[0] === 'all' ? undefined : names))
  .meta({ description: 'Only the stages that write one of these; ["all"] is all of them, as is leaving it out' })

/** Why, and who asks. */
export const askedByFields = {
  reason: textField('Why; kept with the job, and in the history', 1_000).optional(),
  actor: textField('Who asks; of no effect where the credentials tell', 255).optional(),
}

/** Which days to recalculate. */
export const recalculation = named(
  'Recalculation',
  z
    .strictObject(
      {
        tenant_id: idField('Whose days'),
        start_date: dateField('The first day'),
        end_date: dateField('The last day, inclusive'),
        employee_ids: idsField('Only these employees; an empty list is nobody. Left out: everybody').optional(),
        tables: tables.optional(),
        clear_existing: z
          .boolean({ error: 'true or false' })
          .optional()
          .meta({ description: 'Remove rows that no source supports any more. Default true' }),
        when_busy: whenBusyField.optional(),
        ...askedByFields,
      },
      { error: 'a JSON object' },
    )
    .refine(({ start_date, end_date }) => end_date >= start_date, {
      path: ['end_date'],
      error: '`start_date` or later',
    }),
  'Which days to recalculate',
)

/** What {@link recalculation} gives. */
export type Recalculation = z.output<typeof recalculation>
