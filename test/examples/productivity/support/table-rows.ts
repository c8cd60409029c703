import type { PlainSources } from './plain/sources.ts'

/** Rows as the database takes them: decimals as numbers with two places instead of whole hundredths. */
export function inTables<Tables extends Partial<PlainSources>>({ roleConfigs, payRates, ...others }: Tables) {
  return {
    ...others,
    roleConfigs: (roleConfigs ?? []).map((row) => ({ ...row, multiplier: row.multiplier / 100 })),
    payRates: (payRates ?? []).map((row) => ({ ...row, hourly_rate: row.hourly_rate / 100 })),
  }
}
