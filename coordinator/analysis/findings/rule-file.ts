import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Document, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { z } from 'zod';
import type { Condition } from './condition.ts';
import { compileRule, type DeclaredRule } from './declared-rule.ts';
import { SEVERITIES } from './finding.ts';
import { type ObjectRule, REPORTS } from './rule.ts';

/** Larger is no file of rules. */
export const MAX_RULE_FILE_BYTES = 1024 * 1024;

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const TESTS = ['equals', 'in', 'matches', 'contains', 'atLeast', 'exists', 'absent'] as const;
const FORMS = ['path', 'some', 'any', 'not'] as const;

/** One shape with everything in it and one word on what is missing: a union would name every branch. */
const condition: z.ZodType<Condition> = z.lazy(() =>
  z
    .strictObject({
      path: z.string().min(1).optional(),
      equals: scalar.optional(),
      in: z.array(scalar).min(1).optional(),
      matches: z.string().min(1).optional(),
      contains: scalar.optional(),
      atLeast: scalar.optional(),
      exists: z.literal(true).optional(),
      absent: z.literal(true).optional(),
      some: z.string().min(1).optional(),
      where: z.array(condition).min(1).optional(),
      any: z.array(condition).min(1).optional(),
      not: condition.optional(),
    })
    .superRefine((given, context) => {
      const say = (message: string): void => context.addIssue({ code: 'custom', message });
      const forms = FORMS.filter((name) => given[name] !== undefined);
      const tests = TESTS.filter((name) => given[name] !== undefined);
      if (forms.length !== 1) say(`a condition has one of ${FORMS.join(', ')}`);
      else if (forms[0] === 'path' && tests.length !== 1) say(`a path has one of ${TESTS.join(', ')}`);
      else if (forms[0] !== 'path' && tests.length > 0) say(`${tests[0]} wants a path`);
      else if ((forms[0] === 'some') !== (given.where !== undefined)) say('some and where go together');
    })
    .transform((given) => given as unknown as Condition),
);

const globs = z.array(z.string()).min(1);
const rule = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{2,79}$/, 'letters, digits, dots and dashes, 3 to 80 of them'),
  title: z.string().min(1),
  techniques: z
    .array(z.string().regex(/^T\d{4}(\.\d{3})?$/, 'a technique is written T1098 or T1098.006'))
    .min(1),
  severity: z.enum(SEVERITIES),
  why: z.string().min(1),
  innocent: z.string().min(1),
  reports: z.enum(REPORTS).optional(),
  select: z.strictObject({ resources: globs, namespaces: globs.optional(), names: globs.optional() }),
  where: z.array(condition).min(1).optional(),
  show: z.array(z.string().min(1)).min(1).optional(),
  except: z
    .array(
      z.strictObject({
        namespaces: globs.optional(),
        names: globs.optional(),
        where: z.array(condition).min(1).optional(),
      }),
    )
    .min(1)
    .optional(),
});
const file = z.strictObject({ rules: z.array(rule).min(1) });

/** `rules: [...]`. Throws CONFIG_INVALID, whose message names the line and the field. */
export function parseRuleFile(text: string, name: string): ObjectRule[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const [broken] = document.errors;
  if (broken !== undefined) {
    throw invalid(name, lines.linePos(broken.pos[0]).line, 'the file', wordsOf(broken));
  }
  const parsed = file.safeParse(contentOf(document, name));
  const lineOf = (path: readonly PropertyKey[]): number => {
    const at = offsetAt(document, path);
    return at === undefined ? 1 : lines.linePos(at).line;
  };
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path ?? [];
    throw invalid(name, lineOf(path), path.join('.') || 'the file', issue?.message ?? 'it is not valid');
  }
  const declared = parsed.data.rules as readonly DeclaredRule[];
  return declared.map((each, index) => {
    try {
      if (declared.findIndex(({ id }) => id === each.id) < index) throw new Error('the id is there twice');
      return compileRule(each);
    } catch (cause) {
      const path = ['rules', index];
      throw invalid(name, lineOf(path), `rules.${index} (${each.id})`, (cause as Error).message);
    }
  });
}

function wordsOf({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: put all rules into one';
  return `it is no YAML: ${message}`;
}

/** Aliases that unfold without end are refused by the library. */
function contentOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(name, 1, 'the file', (cause as Error).message);
  }
}

/** Of the value at the path, or of the nearest one around it. */
function offsetAt(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined;
    if (node?.range !== undefined) return node.range[0];
  }
  return undefined;
}

function invalid(name: string, line: number, field: string, what: string): LockstepError {
  return new LockstepError('CONFIG_INVALID', { message: `${name}, line ${line}: ${field}: ${what}` });
}
