export { sqlUnitOfWork } from './sql-unit-of-work.ts'
