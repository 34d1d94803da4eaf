import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What the lab runs for an image: a real program, or an idle process for all that only has to be there. */
const imageProgramsSchema = z.object({
  /** etcd's programs by version, `3.5.16`. */
  etcd: z.record(z.string(), z.string()),
  /** Program and leading arguments of the API server stand-in. */
  kubeApiServer: z.array(z.string()).min(1),
});

export type ImagePrograms = z.infer<typeof imageProgramsSchema>;

export interface Program {
  readonly path: string;
  readonly leadingArgs: readonly string[];
  /** What the process calls itself. */
  readonly argv0: string;
  /** True where the container's own arguments mean nothing to it. */
  readonly idle: boolean;
}

export function readImagePrograms(path: string): ImagePrograms {
  return imageProgramsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
}

/** By the repository's last part and the tag: `registry.k8s.io/etcd:3.5.16-0`. Throws where no such etcd is at hand. */
export function programOf(image: string, command: readonly string[], programs: ImagePrograms): Program {
  const [, repository = '', tag = ''] = /([^/:@]+)(?::([^/@]+))?(?:@.*)?$/.exec(image) ?? [];
  if (repository === 'etcd') {
    const version = tag.replace(/^v/, '').replace(/-.*$/, '');
    const path = programs.etcd[version];
    if (path === undefined)
      throw new Error(
        `image ${image} is not present: the lab has etcd ${Object.keys(programs.etcd).join(', ')}`,
      );
    return { path, leadingArgs: [], argv0: 'etcd', idle: false };
  }
  if (repository === 'kube-apiserver') {
    const [path = '', ...leadingArgs] = programs.kubeApiServer;
    return { path, leadingArgs, argv0: path, idle: false };
  }
  return { path: '/bin/sleep', leadingArgs: [], argv0: command[0] ?? repository, idle: true };
}
