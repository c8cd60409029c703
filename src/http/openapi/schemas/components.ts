import { z } from 'zod'

/** The schemas that openapi.json names; a registry of its own, so that a host's schemas never meet them. */
export const components = z.registry<{ id: string; description?: string }>()

/** Gives a schema its name in openapi.json. */
export function named<Schema extends z.ZodType>(id: string, schema: Schema, description?: string): Schema {
  components.add(schema, { id, ...(description !== undefined && { description }) })
  return schema
}
