import { checkAlarms } from './alarms.ts';
import { checkAuth } from './auth.ts';
import type { Check } from './check.ts';
import { checkClients } from './clients.ts';
import { checkClock } from './clock.ts';
import { checkContent } from './content.ts';
import { checkEncryption } from './encryption.ts';
import { checkEtcdVersion } from './etcd-version.ts';
import { checkHosting } from './hosting.ts';
import { checkInspection } from './inspection.ts';
import { checkKubernetesVersion } from './kubernetes-version.ts';
import { checkLeftOut } from './left-out.ts';
import { checkManifests } from './manifests.ts';
import { checkMembers } from './members.ts';
import { checkPlace } from './place.ts';
import { checkProven } from './proven.ts';
import { checkSeal } from './seal.ts';
import { checkSnapshot } from './snapshot.ts';
import { checkSpace } from './space.ts';
import { checkTools } from './tools.ts';
import { checkTrust } from './trust.ts';
import { checkWebhooks } from './webhooks.ts';

/** Every check, in the order in which a person reads what they say. */
export const CHECKS: readonly Check[] = [
  checkSnapshot,
  checkSeal,
  checkProven,
  checkPlace,
  checkInspection,
  checkLeftOut,
  checkHosting,
  checkMembers,
  checkClients,
  checkManifests,
  checkTools,
  checkEtcdVersion,
  checkKubernetesVersion,
  checkContent,
  checkEncryption,
  checkTrust,
  checkAuth,
  checkAlarms,
  checkSpace,
  checkClock,
  checkWebhooks,
];
