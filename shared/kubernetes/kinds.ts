import { annotationsOf, at, listOf, type StoredObject, textMapOf, textOf } from './stored-object.ts';

/*
 * The few fields that Lockstep asks of built-in kinds. The numbers are those of the API's own
 * generated.proto files; they do not change within a group's version.
 */

/** ConfigMap.data. */
export function configMapData(object: StoredObject): ReadonlyMap<string, string> {
  return object.form === 'protobuf' ? object.message.textMap(2) : textMapOf(at(object.json, 'data'));
}

export interface PodFacts {
  /** Empty where it was never scheduled. */
  readonly nodeName: string;
  /** "Running", "Succeeded", … */
  readonly phase: string;
  /** True for what kubelet shows of a static pod: it lives by its manifest, not by its object. */
  readonly mirror: boolean;
}

export function podFacts(object: StoredObject): PodFacts {
  const mirror = annotationsOf(object).has('kubernetes.io/config.mirror');
  return object.form === 'protobuf'
    ? {
        nodeName: object.message.message(2)?.text(10) ?? '',
        phase: object.message.message(3)?.text(1) ?? '',
        mirror,
      }
    : {
        nodeName: textOf(at(object.json, 'spec', 'nodeName')),
        phase: textOf(at(object.json, 'status', 'phase')),
        mirror,
      };
}

export interface JobFacts {
  /** It has completed or failed for good. */
  readonly finished: boolean;
  readonly suspended: boolean;
}

export function jobFacts(object: StoredObject): JobFacts {
  if (object.form === 'protobuf') {
    const status = object.message.message(3);
    const conditions = status?.messages(1) ?? [];
    return {
      finished: status?.bytes(3) !== undefined || conditions.some((each) => ends(each.text(1), each.text(2))),
      suspended: object.message.message(2)?.varint(10) === 1n,
    };
  }
  const conditions = listOf(at(object.json, 'status', 'conditions'));
  return {
    finished:
      textOf(at(object.json, 'status', 'completionTime')) !== '' ||
      conditions.some((each) => ends(textOf(at(each, 'type')), textOf(at(each, 'status')))),
    suspended: at(object.json, 'spec', 'suspend') === true,
  };
}

function ends(type: string, status: string): boolean {
  return (type === 'Complete' || type === 'Failed') && status === 'True';
}

/** CronJob.status.lastScheduleTime, in seconds since the epoch; 0 where it never ran. */
export function cronJobLastScheduled(object: StoredObject): number {
  if (object.form === 'protobuf') return Number(object.message.message(3)?.message(4)?.varint(1) ?? 0n);
  const time = Date.parse(textOf(at(object.json, 'status', 'lastScheduleTime')));
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000);
}

/** Secret.type. */
export function secretType(object: StoredObject): string {
  return object.form === 'protobuf' ? object.message.text(3) : textOf(at(object.json, 'type'));
}

export interface ServiceWebhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly serviceNamespace: string;
  readonly serviceName: string;
}

/** The webhooks of a (Validating|Mutating)WebhookConfiguration that are reached through a Service. */
export function serviceWebhooks(object: StoredObject): ServiceWebhook[] {
  if (object.form === 'json') {
    return listOf(at(object.json, 'webhooks')).flatMap((webhook) => {
      const service = at(webhook, 'clientConfig', 'service');
      return service === undefined || service === null
        ? []
        : [
            {
              name: textOf(at(webhook, 'name')),
              failurePolicy: textOf(at(webhook, 'failurePolicy')),
              serviceNamespace: textOf(at(service, 'namespace')),
              serviceName: textOf(at(service, 'name')),
            },
          ];
    });
  }
  return object.message.messages(2).flatMap((webhook) => {
    const service = webhook.message(2)?.message(1);
    return service === undefined
      ? []
      : [
          {
            name: webhook.text(1),
            failurePolicy: webhook.text(4),
            serviceNamespace: service.text(1),
            serviceName: service.text(2),
          },
        ];
  });
}
