// What every host relies on, asked of an installed entry on whatever Node runs this. Plain JavaScript: the oldest Node strips no types.
const assert = require('node:assert/strict')

exports.check = async (module, expectedNames) => {
  assert.deepEqual(Object.keys(module).sort(), JSON.parse(expectedNames).sort())
  if ('RecalcService' in module) await checkRun(module)
}

async function checkRun({ RecalcService }) {
  const days = []
  const recalc = new RecalcService({
    dailyCalc: {
      async calculateDay(day) {
        days.push(day.date)
      },
    },
    employees: {
      async listEmployees() {
        return [{ id: 'e' }]
      },
    },
  })
  const result = await recalc.triggerRecalc({ tenantId: 't', employeeId: 'e', date: '2025-03-30' })
  assert.equal(result.status, 'completed')
  assert.deepEqual(days, ['2025-03-30'])
}
