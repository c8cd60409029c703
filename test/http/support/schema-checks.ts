import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

type Json = Readonly<Record<string, unknown>>

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Json }>>>>
}

const known = new Map<string, SchemaChecks>()

/** Holds answers against openapi.json. */
export class SchemaChecks {
  readonly #document: Document
  readonly #ajv: Ajv2020

  /** Those of a document. Compiling its schemas takes long, so equal documents share them. */
  static of(json: string): SchemaChecks {
    const checks = known.get(json) ?? new SchemaChecks(JSON.parse(json))
    known.set(json, checks)
    return checks
  }

  private constructor(document: unknown) {
    this.#document = document as Document
    // An OpenAPI document has keywords of its own around its schemas.
    this.#ajv = new Ajv2020({ strict: false, allErrors: true })
    formats.default(this.#ajv)
    this.#ajv.addSchema(document as Json, 'openapi')
  }

  /** Throws unless the document knows such an answer to such a request. */
  check(method: string, path: string, answer: { status: number; contentType: string | null; text: string }): void {
    const { status, contentType, text } = answer
    const type = contentType?.split(';')[0] ?? ''
    const found = this.#operation(method, path)
    // What nobody described, path or method, is refused.
    if (!found || status === 405) {
      this.#validate('openapi#/components/schemas/Problem', `${method} ${path}`, JSON.parse(text))
      return
    }
    const { template, operation } = found
    const where = `${method} ${template} -> ${status} ${type}`
    const response = operation.responses[status] as { readonly content?: Json } | undefined
    if (!response) throw new Error(`openapi.json does not know ${where}`)
    if (!response.content) {
      if (text !== '') throw new Error(`Expected no body of ${where}, got ${text}`)
      return
    }
    if (!(type in response.content)) throw new Error(`openapi.json does not know ${where}`)
    if (!type.endsWith('json')) return
    const pointer = ['paths', template, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema']
    this.#validate(`openapi#/${pointer.map(escaped).join('/')}`, where, JSON.parse(text))
  }

  /** Throws unless it is the data of an event of that name. */
  checkEvent(name: string, data: unknown): void {
    const schema = name === 'snapshot' ? 'JobStatus' : 'JobEvent'
    this.#validate(`openapi#/components/schemas/${schema}`, `event ${name}`, data)
  }

  #operation(method: string, path: string) {
    for (const [template, item] of Object.entries(this.#document.paths)) {
      const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replace('{job_id}', '[^/]*')}/?$`)
      const operation = item[method === 'HEAD' ? 'get' : method.toLowerCase()]
      if (operation && pattern.test(path)) return { template, operation }
    }
    return undefined
  }

  #validate(schema: string, where: string, value: unknown): void {
    const validate: ValidateFunction | undefined = this.#ajv.getSchema(schema)
    if (!validate) throw new Error(`openapi.json has no ${schema}`)
    if (!validate(value)) {
      throw new Error(
        `${where} is not as openapi.json says: ${this.#ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`,
      )
    }
  }
}

function escaped(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))
}
