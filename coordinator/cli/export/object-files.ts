import { undecodedText } from '@lockstep/shared/kubernetes/decoded.ts';
import { stringify } from 'yaml';
import { keyText } from '../../analysis/asked.ts';
import { appliable, notAppliable, orderedDirectory } from '../../analysis/export/apply-order.ts';
import { visitLive } from '../../analysis/live.ts';
import { Exported, type ExportRequest, LEFT_SECRETS } from './exported.ts';

const UNDECODED = 'undecoded';

/** A file for each object, in directories whose order is that in which they can be applied. */
export function exportObjects(request: ExportRequest, format: 'yaml' | 'json'): Exported {
  const { evidence, decoder, directory, showSecrets } = request;
  const exported = new Exported();
  const write = (object: unknown): string =>
    format === 'json'
      ? `${JSON.stringify(object, null, 4)}\n`
      : stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
  visitLive(evidence, {}, (row, { resource, namespace, name }) => {
    const { key, main, value } = row;
    if (resource === 'secrets' && !showSecrets) return exported.leaveOut(LEFT_SECRETS);
    const decoded = decoder.decode(value, { key, modRevision: main });
    const where = [...(namespace === '' ? [] : [namespace]), `${name}.${format}`];
    if (decoded.form !== 'object') {
      if (request.appliable) return exported.leaveOut(`not decoded: ${undecodedText(decoded)}`);
      const raw = {
        ...keyText(key),
        modRevision: main,
        why: undecodedText(decoded),
        value: Buffer.from(value).toString('base64'),
      };
      directory.write(write(raw), UNDECODED, resource, ...where);
      return void exported.objects++;
    }
    const why = request.appliable ? notAppliable(resource, decoded.object) : '';
    if (why !== '') return exported.leaveOut(why);
    const object = request.appliable ? appliable(decoded.object) : decoded.object;
    directory.write(write(object), orderedDirectory(resource), ...where);
    exported.objects++;
  });
  return exported;
}
