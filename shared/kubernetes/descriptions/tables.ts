/* Made by scripts/kubernetes-descriptions/make.ts. */
import { ADMISSIONREGISTRATION } from './admissionregistration.ts';
import { APIDISCOVERY } from './apidiscovery.ts';
import { APIEXTENSIONS } from './apiextensions.ts';
import { APIREGISTRATION } from './apiregistration.ts';
import { APISERVERINTERNAL } from './apiserverinternal.ts';
import { APPS } from './apps.ts';
import { AUTHENTICATION } from './authentication.ts';
import { AUTHORIZATION } from './authorization.ts';
import { AUTOSCALING } from './autoscaling.ts';
import { BATCH } from './batch.ts';
import { CERTIFICATES } from './certificates.ts';
import { COORDINATION } from './coordination.ts';
import { CORE } from './core.ts';
import { DISCOVERY } from './discovery.ts';
import { EVENTS } from './events.ts';
import { EXTENSIONS } from './extensions.ts';
import { FLOWCONTROL } from './flowcontrol.ts';
import { IMAGEPOLICY } from './imagepolicy.ts';
import { LIFECYCLE } from './lifecycle.ts';
import { META } from './meta.ts';
import { NETWORKING } from './networking.ts';
import { NODE } from './node.ts';
import { POLICY } from './policy.ts';
import { RBAC } from './rbac.ts';
import { RESOURCE } from './resource.ts';
import { SCHEDULING } from './scheduling.ts';
import { STORAGE } from './storage.ts';
import { STORAGEMIGRATION } from './storagemigration.ts';

export const TABLES: readonly string[] = [
  ADMISSIONREGISTRATION,
  APIDISCOVERY,
  APIEXTENSIONS,
  APIREGISTRATION,
  APISERVERINTERNAL,
  APPS,
  AUTHENTICATION,
  AUTHORIZATION,
  AUTOSCALING,
  BATCH,
  CERTIFICATES,
  COORDINATION,
  CORE,
  DISCOVERY,
  EVENTS,
  EXTENSIONS,
  FLOWCONTROL,
  IMAGEPOLICY,
  LIFECYCLE,
  META,
  NETWORKING,
  NODE,
  POLICY,
  RBAC,
  RESOURCE,
  SCHEDULING,
  STORAGE,
  STORAGEMIGRATION,
];
