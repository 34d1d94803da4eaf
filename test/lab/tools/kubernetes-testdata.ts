import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunnable, run } from './commands.ts';
import { toolsDirectory } from './locate.ts';

/** A published Go module and the directory of it that holds objects as upstream's own encoder wrote them. */
export interface TestdataModule {
  readonly module: string;
  readonly version: string;
  /** As go.sum has it. */
  readonly sum: string;
  readonly directory: string;
}

export const KUBERNETES_TESTDATA: readonly TestdataModule[] = [
  {
    module: 'k8s.io/api',
    version: 'v0.37.2',
    sum: 'h1:PnxqnUFy93jr2GcpWDkKOm8wfy25kT9wa572MuQS8oc=',
    directory: 'testdata',
  },
  {
    module: 'k8s.io/apiextensions-apiserver',
    version: 'v0.37.2',
    sum: 'h1:myaUiAlm1NRLYdpAvWYTqdgeiCepFupJiRFVVueMUYw=',
    directory: 'pkg/apis/testdata',
  },
  {
    module: 'k8s.io/api',
    version: 'v0.28.3',
    sum: 'h1:Gj1HtbSdB4P08C8rs9AR94MfSGpRhJgsS+GF9V26xMM=',
    directory: 'testdata',
  },
  {
    module: 'k8s.io/api',
    version: 'v0.26.9',
    sum: 'h1:s8Y+G1u2JM55b90+Yo2RVb3PGT/hkWNVPN4idPERxJg=',
    directory: 'testdata',
  },
  {
    module: 'k8s.io/api',
    version: 'v0.22.5',
    sum: 'h1:xk7C+rMjF/EGELiD560jdmwzrB788mfcHiNbMQLIVI8=',
    directory: 'testdata',
  },
];

/**
 * The directory with the module's testdata, in `.tools/`; fetched there the first time. Undefined
 * where it is not there and this machine has no Go, or no module comes.
 */
export async function kubernetesTestdata(
  { module, version, sum, directory }: TestdataModule,
  signal: AbortSignal,
): Promise<string | undefined> {
  const parent = join(toolsDirectory, 'kubernetes-testdata', module.replaceAll('/', '_'));
  const home = join(parent, version);
  if (await isThere(home)) return home;
  if (!(await isRunnable('go', ['version'], signal))) return undefined;
  await mkdir(parent, { recursive: true });
  const scratch = await mkdtemp(join(parent, '.fetch-'));
  try {
    const env = { ...process.env, GOFLAGS: '-modcacherw' };
    const said = await run(
      'go',
      ['mod', 'download', '-json', `${module}@${version}`],
      { cwd: scratch, env },
      signal,
    ).catch(() => undefined);
    if (said === undefined) return undefined;
    const { Dir, Sum } = JSON.parse(said) as { readonly Dir: string; readonly Sum: string };
    if (Sum !== sum) throw new Error(`${module} ${version} has the sum ${Sum}, not ${sum}`);
    await cp(join(Dir, directory), join(scratch, 'testdata'), { recursive: true });
    // Another process may have been faster: what it fetched is the same.
    await rename(join(scratch, 'testdata'), home).catch(async (cause: unknown) => {
      if (!(await isThere(home))) throw cause;
    });
    return home;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
