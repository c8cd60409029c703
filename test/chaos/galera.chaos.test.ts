import { afterAll, beforeAll, describe } from 'vitest'
import { type Cluster, startGalera } from '../support/galera-cluster.ts'
import { clusterCases } from './cluster/cases.ts'

/** RECALC_TEST_GALERA_ROUNDS=200 for a long look. */
const ROUNDS = Number(process.env.RECALC_TEST_GALERA_ROUNDS ?? 8)

describe('on three nodes of a Galera cluster', () => {
  let cluster: Cluster

  beforeAll(async () => {
    cluster = await startGalera()
  })
  afterAll(() => cluster?.stop())

  clusterCases(() => cluster, ROUNDS)
})
