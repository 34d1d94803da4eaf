import type { ApiObject } from './codec.ts';

export type Selector = (object: ApiObject) => boolean;

/** The fields that clients of the lab select by; others are refused as upstream refuses unknown ones. */
const FIELDS: Readonly<Record<string, (object: ApiObject) => unknown>> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace,
  'spec.nodeName': (object) => (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
  'status.phase': (object) => (object['status'] as { phase?: string } | undefined)?.phase ?? '',
};

/** `spec.nodeName=cp1,metadata.namespace!=kube-system`; undefined where a field is not one to select by. */
export function fieldSelector(text: string): Selector | undefined {
  return terms(text, (name) => FIELDS[name]);
}

/** `app=web,tier!=cache`. */
export function labelSelector(text: string): Selector | undefined {
  return terms(text, (name) => (object) => object.metadata.labels?.[name]);
}

function terms(
  text: string,
  reader: (name: string) => ((object: ApiObject) => unknown) | undefined,
): Selector | undefined {
  const tests: Selector[] = [];
  for (const term of text.split(',').filter((part) => part !== '')) {
    const match = /^([^=!]+)(!=|==|=)(.*)$/.exec(term);
    const read = match?.[1] === undefined ? undefined : reader(match[1]);
    if (match === null || read === undefined) return undefined;
    const [, , operator, wanted] = match;
    tests.push((object) => (read(object) === wanted) === (operator !== '!='));
  }
  return (object) => tests.every((test) => test(object));
}
