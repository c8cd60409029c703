const { check } = require('./core.cjs')

const [entry, expectedNames] = process.argv.slice(2)
check(require(entry), expectedNames)
