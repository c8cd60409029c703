import { render } from 'preact'
import { App } from './control/app.ts'
import { Page } from './view/page.tsx'

const app = new App()
let drawn = true
// Several things that happen at once are drawn once.
app.store.subscribe(() => {
  if (!drawn) return
  drawn = false
  queueMicrotask(() => {
    drawn = true
    render(<Page app={app} state={app.store.state} />, document.body)
  })
})
app.start()
