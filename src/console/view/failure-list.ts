import { formatPlural } from '../model/format.ts'
import type { Action, State } from '../model/state.ts'
import type { Store } from '../model/store.ts'
import type { WatchedJob } from '../model/watched-job.ts'
import type { Failure } from '../net/api-types.ts'
import { byId, make, setNotice, setText } from './dom.ts'
import { mountPager, type PagerActions } from './pager.ts'

/** The failures with their messages, page by page; a day leads to its cell in the grid. */
export function mountFailures(
  store: Store<State, Action>,
  actions: PagerActions & { reveal(employeeId: string, date: string): void },
): void {
  const rows = byId('failures-rows', HTMLTableSectionElement)
  const showPager = mountPager(byId('failures-pager', HTMLElement), actions)
  store.subscribe(({ failures, watched }, before) => {
    const job = watched?.job
    if (failures.items !== before?.failures.items) {
      rows.replaceChildren(...failures.items.map((failure) => rowOf(failure, actions.reveal)))
    }
    for (const [index, failure] of failures.items.entries()) showNames(rows.children[index], failure, watched)
    showPager(failures)
    byId('failures-table', HTMLElement).hidden = failures.items.length === 0
    setNotice(byId('failures-problem', HTMLElement), failures.status === 'failed' ? failures.problem : null)
    const count = job?.error_count ?? 0
    setNotice(
      byId('failures-empty', HTMLElement),
      count === 0 ? 'None.' : `${formatPlural(count, 'failure')}, first to last.`,
    )
  })
}

function rowOf(failure: Failure, reveal: (employeeId: string, date: string) => void): HTMLElement {
  const { employee_id: employeeId, date, stage, code, message, attempts } = failure
  const day = make('td', { className: 'nowrap' })
  if (employeeId !== null && date !== null) {
    const button = make('button', { className: 'link', text: date })
    button.type = 'button'
    button.ariaLabel = `${date}, show ${employeeId} in the grid`
    button.addEventListener('click', () => reveal(employeeId, date))
    day.append(button)
  } else day.textContent = '–'
  const text = make('td', { className: 'message' }, [make('span', { text: message }), make('code', { text: code })])
  return make('tr', {}, [
    make('td', { className: 'employee' }, [
      make('span', { text: employeeId ?? '–' }),
      document.createTextNode(' '),
      make('span', { className: 'hint' }),
    ]),
    day,
    make('td', { text: stage, className: 'stage' }),
    text,
    make('td', { text: String(attempts), className: 'number' }),
  ])
}

/** What the employee and the stage are called, which may be learned later than that they failed. */
function showNames(row: Element | undefined, failure: Failure, watched: WatchedJob | null): void {
  const { employee_id: employeeId, stage } = failure
  const name = row?.querySelector('.employee .hint')
  if (name) setText(name, employeeId === null ? '' : (watched?.names.get(employeeId) ?? ''))
  const title = row?.querySelector('.stage')
  if (title) setText(title, watched?.job?.stages.find((known) => known.name === stage)?.title ?? stage)
}
