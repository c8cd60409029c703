import { hashOf } from '../../model/route.ts'
import { may } from '../../model/state.ts'
import { JobList } from '../job-list.tsx'
import { JobView } from '../job-view.tsx'
import type { Screen, ViewProps } from '../screen.ts'

/** The jobs, and beside them the one that is looked at. */
export const jobsScreen: Screen = { name: 'jobs', label: 'Jobs', needs: ['read'], View: Jobs }

function Jobs({ app, state }: ViewProps) {
  const { watched } = state
  return (
    <div class={watched ? 'panes' : 'panes list-only'}>
      <JobList app={app} state={state} />
      {watched ? (
        <JobView key={watched.id} app={app} state={state} watched={watched} />
      ) : (
        <p class="pane empty muted">
          Choose a job to look at
          {may(state, 'start') && [', or ', <a href={hashOf({ screen: 'start' })}>start one</a>]}.
        </p>
      )}
    </div>
  )
}
