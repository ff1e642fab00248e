#include "pod/fields.hpp"

namespace pausa::pod {
namespace {

constexpr Support done = Support::done;
constexpr Support none = Support::no_effect;
constexpr Support soon = Support::pending;
constexpr Support later = Support::not_yet;
constexpr Support never = Support::unsupported;

constexpr std::string_view bookkeeping = "kept by a cluster; there is none here";
constexpr std::string_view scheduling = "there is one machine and no scheduler";
constexpr std::string_view storage =
    "no driver for this storage here; mount it on the host and use hostPath";
constexpr std::string_view probes = "probes";
constexpr std::string_view objects =
    "ConfigMap and Secret objects and what is derived from the pod";
constexpr std::string_view selinux =
    "SELinux labels are not set; a label that is not applied must not be asked for";

// clang-format off
constexpr FieldSupport table[] = {
    {"Pod.apiVersion", done, "the version of the API: v1", ""},
    {"Pod.kind", done, "the kind of object: Pod", ""},
    {"Pod.metadata", done, "name, labels and annotations", ""},
    {"Pod.spec", done, "what is to run", ""},

    {"ObjectMeta.name", done, "the pod's name; also its hostname unless spec.hostname is set", ""},
    {"ObjectMeta.namespace", done, "a label to tell pods apart; default when unset", "a name and nothing more: namespaces need not be made"},
    {"ObjectMeta.labels", done, "key/value pairs to select pods by", ""},
    {"ObjectMeta.annotations", done, "key/value pairs for tools; pausa/… are options of pausa", ""},
    {"ObjectMeta.generateName", none, "prefix of a name that the cluster makes up", "metadata.name is used; it must be set"},
    {"ObjectMeta.uid", none, "", bookkeeping},
    {"ObjectMeta.resourceVersion", none, "", bookkeeping},
    {"ObjectMeta.generation", none, "", bookkeeping},
    {"ObjectMeta.creationTimestamp", none, "", bookkeeping},
    {"ObjectMeta.deletionTimestamp", none, "", bookkeeping},
    {"ObjectMeta.deletionGracePeriodSeconds", none, "", bookkeeping},
    {"ObjectMeta.managedFields", none, "", bookkeeping},
    {"ObjectMeta.selfLink", none, "", bookkeeping},
    {"ObjectMeta.ownerReferences", none, "the objects that own this one", bookkeeping},
    {"ObjectMeta.finalizers", none, "what must happen before deletion", bookkeeping},

    {"PodSpec.activeDeadlineSeconds", later, "seconds after which the pod is stopped and Failed", "deadlines"},
    {"PodSpec.affinity", none, "which nodes the pod prefers", scheduling},
    {"PodSpec.automountServiceAccountToken", none, "mount a token for the API server", "there is no API server; no token is mounted"},
    {"PodSpec.containers", done, "the members of the pod; started in this order", ""},
    {"PodSpec.dnsConfig", later, "nameservers and search domains", "the pod's own resolv.conf"},
    {"PodSpec.dnsPolicy", none, "where resolv.conf comes from", "there is no cluster DNS; the host's resolv.conf is used"},
    {"PodSpec.enableServiceLinks", none, "environment variables of services", "there are no services"},
    {"PodSpec.ephemeralContainers", later, "containers added to a running pod", "containers for debugging"},
    {"PodSpec.hostAliases", done, "more lines for /etc/hosts", ""},
    {"PodSpec.hostIPC", done, "use the host's IPC namespace", ""},
    {"PodSpec.hostNetwork", done, "use the host's network namespace", ""},
    {"PodSpec.hostPID", done, "use the host's PID namespace", ""},
    {"PodSpec.hostUsers", done, "false: a user namespace for the pod", "rootless, the pod always has a user namespace"},
    {"PodSpec.hostname", done, "the pod's hostname; its name when unset", ""},
    {"PodSpec.hostnameOverride", later, "hostname used as it is", "only spec.hostname is read"},
    {"PodSpec.imagePullSecrets", none, "credentials for registries", "images are taken from this machine"},
    {"PodSpec.initContainers", done, "containers run one after another before the others, each to success", ""},
    {"PodSpec.nodeName", none, "the node to run on", scheduling},
    {"PodSpec.nodeSelector", none, "labels that a node must have", scheduling},
    {"PodSpec.os", done, "the operating system: linux", ""},
    {"PodSpec.overhead", none, "resources added by a runtime class", scheduling},
    {"PodSpec.preemptionPolicy", none, "whether to push out pods of lower priority", scheduling},
    {"PodSpec.priority", none, "importance to the scheduler", scheduling},
    {"PodSpec.priorityClassName", none, "name of a priority", scheduling},
    {"PodSpec.readinessGates", none, "conditions that a controller must set before the pod is Ready", "no controller sets them here; Ready looks at the containers alone"},
    {"PodSpec.resourceClaims", never, "devices claimed for the pod", "there is no device allocation on one machine"},
    {"PodSpec.resources", later, "limits of the whole pod", "limits of the pod; set them on the containers"},
    {"PodSpec.restartPolicy", done, "Always (default), OnFailure or Never", ""},
    {"PodSpec.runtimeClassName", never, "the runtime that isolates the pod", "pausa is the only runtime; leave it out to run with pausa's isolation"},
    {"PodSpec.schedulerName", none, "the scheduler to use", scheduling},
    {"PodSpec.schedulingGates", none, "what the scheduler must wait for", "nothing waits here; the pod starts at once"},
    {"PodSpec.schedulingGroup", none, "the group to schedule together with", scheduling},
    {"PodSpec.securityContext", done, "users, groups, seccomp and sysctls of the whole pod", ""},
    {"PodSpec.serviceAccount", none, "old name of serviceAccountName", "there is no API server to be known to"},
    {"PodSpec.serviceAccountName", none, "identity towards the API server", "there is no API server to be known to"},
    {"PodSpec.setHostnameAsFQDN", later, "the full domain name as hostname", "full domain names"},
    {"PodSpec.shareProcessNamespace", done, "one PID namespace for all members; false: one for each", "unset means shared; in Kubernetes it means private"},
    {"PodSpec.subdomain", none, "the pod's domain in cluster DNS", "there is no cluster DNS; only the short hostname is known"},
    {"PodSpec.terminationGracePeriodSeconds", done, "seconds between SIGTERM and SIGKILL at stop", "unset means 10; in Kubernetes 30"},
    {"PodSpec.tolerations", none, "node taints that do not matter", scheduling},
    {"PodSpec.topologySpreadConstraints", none, "how to spread pods over nodes", scheduling},
    {"PodSpec.volumes", done, "storage that members can mount", ""},

    {"PodOS.name", done, "linux; windows is refused", ""},
    {"HostAlias.ip", done, "the address", ""},
    {"HostAlias.hostnames", done, "its names", ""},

    {"Container.args", done, "arguments; replaces the image's CMD", ""},
    {"Container.command", done, "what to execute; replaces the image's ENTRYPOINT and CMD", ""},
    {"Container.env", done, "environment variables; $(NAME) uses an earlier one", ""},
    {"Container.envFrom", later, "environment from a ConfigMap or Secret", objects},
    {"Container.image", done, "the root filesystem: busybox (built in), dir:PATH or host:", ""},
    {"Container.imagePullPolicy", none, "when to fetch the image", "images are taken from this machine; nothing is pulled"},
    {"Container.lifecycle", later, "hooks after start and before stop", "lifecycle hooks and stop signals"},
    {"Container.livenessProbe", later, "restart the container when this fails", probes},
    {"Container.name", done, "the container's name, unique in the pod", ""},
    {"Container.ports", done, "ports that the container listens on", "declared only; containers of a pod share one network"},
    {"Container.readinessProbe", later, "the container is ready while this succeeds", probes},
    {"Container.resizePolicy", none, "whether a change of resources restarts the container", "resources of a running container are not changed"},
    {"Container.resources", done, "limits and requests for cpu and memory", ""},
    {"Container.restartPolicy", later, "the container's own restart policy; Always on an init container makes a sidecar", "sidecars and restart policies of single containers"},
    {"Container.restartPolicyRules", later, "restart by exit code", "sidecars and restart policies of single containers"},
    {"Container.securityContext", done, "user, capabilities and other confinement of this container", ""},
    {"Container.startupProbe", later, "holds the other probes back until it succeeds", probes},
    {"Container.stdin", done, "keep standard input open", ""},
    {"Container.stdinOnce", done, "close standard input after the first attached client leaves", ""},
    {"Container.terminationMessagePath", soon, "file whose text explains the container's end", "termination messages are not read yet"},
    {"Container.terminationMessagePolicy", soon, "where that text comes from", "termination messages are not read yet"},
    {"Container.tty", done, "give the container a terminal", ""},
    {"Container.volumeDevices", never, "raw block devices", "block volumes have no source here"},
    {"Container.volumeMounts", done, "where the pod's volumes appear", ""},
    {"Container.workingDir", done, "directory to start in; the image's when unset", ""},

    {"ContainerPort.containerPort", done, "the port number, 1 to 65535", ""},
    {"ContainerPort.hostIP", soon, "host address to publish on", "ports are not published on the host yet"},
    {"ContainerPort.hostPort", soon, "port to publish on the host", "ports are not published on the host yet"},
    {"ContainerPort.name", done, "a name for the port", ""},
    {"ContainerPort.protocol", done, "TCP (default), UDP or SCTP", ""},

    {"EnvVar.name", done, "the variable: printable characters other than =", ""},
    {"EnvVar.value", done, "its value", ""},
    {"EnvVar.valueFrom", later, "take the value from elsewhere", objects},

    {"VolumeMount.mountPath", done, "absolute path in the container", ""},
    {"VolumeMount.mountPropagation", done, "how mounts made later spread: None", "the other ways are refused for now"},
    {"VolumeMount.name", done, "which volume of the pod", ""},
    {"VolumeMount.readOnly", done, "no writing", "covers the mounts below it as well"},
    {"VolumeMount.recursiveReadOnly", done, "whether readOnly covers the mounts below", "always, whatever is asked"},
    {"VolumeMount.subPath", done, "a path inside the volume instead of its root", ""},
    {"VolumeMount.subPathExpr", later, "subPath with $(NAME) expanded", "expansion in mount paths"},

    {"ResourceRequirements.limits", done, "the most it may use: cpu, memory", "ephemeral-storage is accepted and not enforced; other names are refused"},
    {"ResourceRequirements.requests", done, "its share when the machine is busy: cpu, memory", "default: the limits"},
    {"ResourceRequirements.claims", never, "devices from resourceClaims", "there is no device allocation on one machine"},

    {"SecurityContext.allowPrivilegeEscalation", done, "false: no_new_privs, so that setuid files gain nothing", ""},
    {"SecurityContext.appArmorProfile", never, "AppArmor profile", "AppArmor profiles are not applied; only type Unconfined is accepted"},
    {"SecurityContext.capabilities", done, "capabilities to add and drop", ""},
    {"SecurityContext.privileged", done, "all capabilities and devices, nothing masked", ""},
    {"SecurityContext.procMount", done, "Default, or Unmasked in a pod with hostUsers: false", ""},
    {"SecurityContext.readOnlyRootFilesystem", done, "mount the root filesystem read-only", ""},
    {"SecurityContext.runAsGroup", done, "group id of the process", ""},
    {"SecurityContext.runAsNonRoot", done, "refuse to start as user 0", ""},
    {"SecurityContext.runAsUser", done, "user id of the process; the image's user when unset", ""},
    {"SecurityContext.seLinuxOptions", never, "SELinux label", selinux},
    {"SecurityContext.seccompProfile", done, "system calls that are allowed; RuntimeDefault when unset", "unset means RuntimeDefault; in Kubernetes usually Unconfined"},
    {"SecurityContext.windowsOptions", never, "Windows only", "Windows only"},

    {"PodSecurityContext.appArmorProfile", never, "AppArmor profile of all members", "AppArmor profiles are not applied; only type Unconfined is accepted"},
    {"PodSecurityContext.fsGroup", done, "group that owns the pod's volumes", ""},
    {"PodSecurityContext.fsGroupChangePolicy", done, "Always (default) or OnRootMismatch", ""},
    {"PodSecurityContext.runAsGroup", done, "group id of all members", ""},
    {"PodSecurityContext.runAsNonRoot", done, "refuse to start a member as user 0", ""},
    {"PodSecurityContext.runAsUser", done, "user id of all members", ""},
    {"PodSecurityContext.seLinuxChangePolicy", none, "how volumes get their SELinux label", "SELinux labels are not set"},
    {"PodSecurityContext.seLinuxOptions", never, "SELinux label of all members", selinux},
    {"PodSecurityContext.seccompProfile", done, "system calls that are allowed; RuntimeDefault when unset", "unset means RuntimeDefault; in Kubernetes usually Unconfined"},
    {"PodSecurityContext.supplementalGroups", done, "more groups for all members", ""},
    {"PodSecurityContext.supplementalGroupsPolicy", done, "Merge (default): also the image's groups; Strict: not", ""},
    {"PodSecurityContext.sysctls", done, "kernel parameters of the pod's namespaces", "only namespaced ones"},
    {"PodSecurityContext.windowsOptions", never, "Windows only", "Windows only"},

    {"Capabilities.add", done, "capabilities to add: NET_ADMIN, or ALL", "CAP_NET_ADMIN is read as NET_ADMIN; unknown names are refused"},
    {"Capabilities.drop", done, "capabilities to drop: NET_RAW, or ALL", "CAP_NET_RAW is read as NET_RAW; unknown names are refused"},
    {"SeccompProfile.type", done, "RuntimeDefault, Unconfined or Localhost", ""},
    {"SeccompProfile.localhostProfile", done, "file of the profile, below the profile folder", ""},
    {"Sysctl.name", done, "name of the parameter: net.ipv4.ip_unprivileged_port_start", ""},
    {"Sysctl.value", done, "its value", ""},

    {"Volume.name", done, "the volume's name, unique in the pod", ""},
    {"Volume.emptyDir", done, "a directory that lives as long as the pod", ""},
    {"Volume.hostPath", done, "a file or directory of this machine", ""},
    {"Volume.configMap", later, "files from a ConfigMap", objects},
    {"Volume.secret", later, "files from a Secret", objects},
    {"Volume.downwardAPI", later, "files with facts about the pod", objects},
    {"Volume.projected", later, "several sources in one directory", objects},
    {"Volume.image", later, "the content of an image", "images as volumes"},
    {"Volume.persistentVolumeClaim", later, "storage claimed by name", "named volumes; use hostPath or emptyDir"},
    {"Volume.ephemeral", never, "a claim made for this pod", "there are no storage classes; use emptyDir"},
    {"Volume.gitRepo", never, "a clone of a git repository", "running git on the host is unsafe; clone in an init container"},
    {"Volume.awsElasticBlockStore", never, "", storage},
    {"Volume.azureDisk", never, "", storage},
    {"Volume.azureFile", never, "", storage},
    {"Volume.cephfs", never, "", storage},
    {"Volume.cinder", never, "", storage},
    {"Volume.csi", never, "", storage},
    {"Volume.fc", never, "", storage},
    {"Volume.flexVolume", never, "", storage},
    {"Volume.flocker", never, "", storage},
    {"Volume.gcePersistentDisk", never, "", storage},
    {"Volume.glusterfs", never, "", storage},
    {"Volume.iscsi", never, "", storage},
    {"Volume.nfs", never, "", storage},
    {"Volume.photonPersistentDisk", never, "", storage},
    {"Volume.portworxVolume", never, "", storage},
    {"Volume.quobyte", never, "", storage},
    {"Volume.rbd", never, "", storage},
    {"Volume.scaleIO", never, "", storage},
    {"Volume.storageos", never, "", storage},
    {"Volume.vsphereVolume", never, "", storage},

    {"EmptyDirVolumeSource.medium", done, "unset: on disk; Memory: a tmpfs", "huge pages are refused"},
    {"EmptyDirVolumeSource.sizeLimit", done, "the most it may hold", ""},
    {"HostPathVolumeSource.path", done, "the path on this machine", "a relative path starts at the manifest's folder"},
    {"HostPathVolumeSource.type", done, "what must be there, or is made: DirectoryOrCreate, Directory, FileOrCreate, File, Socket, CharDevice, BlockDevice", ""},
};
// clang-format on

}  // namespace

std::span<const FieldSupport> field_table() {
  return table;
}

}  // namespace pausa::pod
