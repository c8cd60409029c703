import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

export interface SourceImport {
  /** The importing file, such as `src/run/plan.ts`. */
  readonly from: string
  /** The imported file, such as `src/errors.ts`, or the specifier of a package or a builtin. */
  readonly to: string
  readonly relative: boolean
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean
}

/** The files that match a pattern. */
export function filesOf(pattern: string): readonly string[] {
  return globSync(pattern).sort()
}

export const sourceFiles: readonly string[] = filesOf('src/**/*.{ts,tsx}')

/** Every static, dynamic and type import, and every re-export, of src/. */
export const sourceImports: readonly SourceImport[] = sourceFiles.flatMap(importsOf)

/** The same of one file. */
export function importsOf(file: string): SourceImport[] {
  const found: SourceImport[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const relative = specifier.text.startsWith('.')
    const to = relative ? join(dirname(file), specifier.text) : specifier.text
    found.push({ from: file, to, relative, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest))
  return found
}
