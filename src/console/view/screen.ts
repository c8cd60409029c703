import type { ComponentType } from 'preact'
import type { App } from '../control/app.ts'
import type { State } from '../model/state.ts'
import type { WatchedJob } from '../model/watched-job.ts'
import type { Job, Permission } from '../net/api-types.ts'

export interface ViewProps {
  readonly app: App
  readonly state: State
}

/** Of what shows the job that is looked at. */
export type JobProps = ViewProps & { readonly watched: WatchedJob; readonly job: Job }

/** A part of the console with an address of its own. */
export interface Screen {
  /** What its address begins with: `#/name`. */
  readonly name: string
  /** What it is called in the navigation. */
  readonly label: string
  /** Who may do none of these does not see it. */
  readonly needs: readonly Permission[]
  readonly View: ComponentType<ViewProps>
}
