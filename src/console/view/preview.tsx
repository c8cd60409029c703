import { useEffect, useMemo, useState } from 'preact/hooks'
import type { App } from '../control/app.ts'
import { saveFile } from '../control/save-file.ts'
import { formatCount } from '../model/format.ts'
import {
  byField,
  type ChangedField,
  changedFields,
  datesOf,
  found,
  MOST_TOLD,
  previewCsv,
  summaryText,
  totalsOf,
} from '../model/preview.ts'
import type { Difference, PreviewSummary, StartRequest } from '../net/api-types.ts'
import { problemOf } from '../net/problem.ts'
import { readEvents } from '../net/read-events.ts'
import { Button, Field, Notice, Pager, usePages } from './parts.tsx'

const PER_PAGE = 20

/** What a job would change, sums first; leaving it ends the preview. */
export function Preview({ app, request }: { app: App; request: StartRequest }) {
  const { fields, summary, problem, stop } = usePreview(app, request)
  const [wanted, setWanted] = useState('')
  const groups = useMemo(() => byField(found(fields, wanted)), [fields, wanted])
  return (
    <section class="card stack" id="preview" aria-labelledby="preview-title">
      <div class="row">
        <h3 id="preview-title" tabIndex={-1}>
          Preview
        </h3>
        <span class="muted grow" role="status">
          {summary ? summaryText(summary) : problem === null && `Looking… ${formatCount(fields.length)} found so far`}
        </span>
        {!summary && problem === null && <Button class="quiet small" onClick={stop} text="Stop" />}
        {summary && fields.length > 0 && (
          <Button
            class="quiet small"
            onClick={() => saveFile(`preview-${request.start_date}.csv`, previewCsv(fields))}
            text="Download CSV"
          />
        )}
      </div>
      <Notice text={problem} bad />
      {summary && summary.left_out.length > 0 && (
        <Notice text={`Not looked at, because they are about the whole tenant: ${summary.left_out.join(', ')}.`} />
      )}
      {summary && summary.told < summary.inserts + summary.updates + summary.deletes && (
        <Notice text={`The first ${formatCount(summary.told)} differences are shown; the sums hold all of them.`} />
      )}
      {summary && <Totals summary={summary} />}
      {fields.length > 0 && (
        <Field id="preview-search" label="Find" hint="an employee, a date, a field or a value">
          <input
            id="preview-search"
            type="search"
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        </Field>
      )}
      <ol class="groups">
        {groups.map(([name, group]) => (
          <Group key={name} name={name} fields={group} only={groups.length === 1} />
        ))}
      </ol>
    </section>
  )
}

function Totals({ summary }: { summary: PreviewSummary }) {
  const totals = totalsOf(summary)
  if (totals.length === 0) return null
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Sum of</th>
          <th scope="col">Now</th>
          <th scope="col">Then</th>
        </tr>
      </thead>
      <tbody>
        {totals.map(([name, before, after]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{formatCount(before)}</td>
            <td>{formatCount(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Group({ name, fields, only }: { name: string; fields: readonly ChangedField[]; only: boolean }) {
  const [open, setOpen] = useState(only)
  const pages = usePages(fields.length, PER_PAGE)
  return (
    <li>
      <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <strong>{formatCount(fields.length)} ×</strong>
          <span class="message">{name}</span>
        </summary>
        {open && (
          <div>
            <table>
              <thead>
                <tr>
                  <th scope="col">Employee</th>
                  <th scope="col">Day</th>
                  <th scope="col">Now</th>
                  <th scope="col">Then</th>
                </tr>
              </thead>
              <tbody>
                {fields.slice(pages.from, pages.to).map(({ difference, before, after }) => (
                  <tr key={`${difference.employee_id} ${difference.start_date}`}>
                    <td>{difference.employee_id}</td>
                    <td class="nowrap">{datesOf(difference)}</td>
                    <td class="message">{before}</td>
                    <td class="message">{after}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <Pager label="Pages of differences" {...pages} />
          </div>
        )}
      </details>
    </li>
  )
}

/** Reads while the view is there; what is found is shown a few times a second. */
function usePreview(app: App, request: StartRequest) {
  const [fields, setFields] = useState<readonly ChangedField[]>([])
  const [summary, setSummary] = useState<PreviewSummary | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [gone] = useState(() => new AbortController())
  useEffect(() => {
    const all: ChangedField[] = []
    const shown = setInterval(() => setFields([...all]), 300)
    const end = (text: string | null) => {
      clearInterval(shown)
      setFields([...all])
      setProblem(text)
    }
    read(app, request, gone.signal, (difference) => all.push(...changedFields(difference))).then(
      (result) => {
        if ('told' in result) setSummary(result)
        end('told' in result ? null : result.message)
      },
      (error) => end(gone.signal.aborted ? 'Stopped.' : problemOf(error).message),
    )
    return () => {
      clearInterval(shown)
      gone.abort()
    }
  }, [])
  return { fields, summary, problem, stop: () => gone.abort() }
}

/** @returns the summary, or what ended it before. */
async function read(
  app: App,
  request: StartRequest,
  signal: AbortSignal,
  onDifference: (difference: Difference) => void,
): Promise<PreviewSummary | { readonly message: string }> {
  let result: PreviewSummary | { readonly message: string } = { message: 'The preview broke off. Try it again.' }
  const stream = await app.api.preview(request, MOST_TOLD, signal)
  if (!stream) return result
  await readEvents(
    stream,
    ({ event, data }) => {
      // As the API describes them; what is in them is only ever shown as text.
      if (event === 'difference') onDifference(data as Difference)
      else if (event === 'summary' || event === 'error') result = data as typeof result
    },
    () => {},
  )
  return result
}
