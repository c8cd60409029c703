// The API in a NestJS application. Run it: npm run build && npx node examples/http-nest.ts
import 'reflect-metadata'
import { getRequestListener } from '@hono/node-server'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { apiKeys, createRecalcApi } from 'recalc-service/http'
import { recalc } from './http/service.ts'
import { recalculate } from './http/watch-job.ts'

const BASE = '/api/system/recalculate'
const KEY = 'demo-key' // of the environment, in earnest
const api = createRecalcApi(recalc, { authorize: apiKeys({ [KEY]: { tenants: ['acme'], actions: '*' } }) })

class AppModule {}
Module({})(AppModule) // as @Module({}) does

const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false })
// Express's own routing, before Nest adds its body parsers; a setGlobalPrefix does not reach it.
app
  .getHttpAdapter()
  .getInstance()
  .all([BASE, `${BASE}/*path`], getRequestListener(api.fetch))
await app.listen(0, '127.0.0.1')

await recalculate(`${await app.getUrl()}${BASE}`, KEY, { start_date: '2025-03-01', end_date: '2025-03-31' })
await recalc.stop() // ends the streams too
await app.close()
