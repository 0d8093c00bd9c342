/// native: yes
// Sockets: names, options, messages with descriptors and credentials, batches, time limits.
#include "check.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

int main(void) {
    int pair[2];
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    // A descriptor travels in a control message.
    int pipes[2];
    if (pipe(pipes)) return 1;
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = {0};
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &pipes[1], sizeof(int));
    SHOW(sendmsg(pair[0], &message, 0));
    char text[8] = {0};
    struct iovec into = {text, 3};
    struct sockaddr_un from;
    struct msghdr got = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &into, .msg_iovlen = 1,
                         .msg_control = &control, .msg_controllen = sizeof control};
    SHOW(recvmsg(pair[1], &got, 0));
    printf("%s flags %x name %u control %zu\n", text, got.msg_flags, got.msg_namelen, got.msg_controllen);
    int passed;
    memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&got)), sizeof passed);
    SHOW(write(passed, "!", 1));
    SHOW(sendmsg(pair[0], BAD, 0));
    message.msg_iovlen = 2000;
    SHOW(sendmsg(pair[0], &message, 0));

    struct mmsghdr batch[3] = {0};
    for (int i = 0; i < 3; i++) batch[i].msg_hdr.msg_iov = parts, batch[i].msg_hdr.msg_iovlen = i % 2 + 1;
    SHOW(sendmmsg(pair[0], batch, 3, 0));
    printf("%u %u %u\n", batch[0].msg_len, batch[1].msg_len, batch[2].msg_len);
    char texts[3][8] = {0};
    struct iovec intos[3] = {{texts[0], 8}, {texts[1], 8}, {texts[2], 8}};
    struct mmsghdr gots[3] = {0};
    for (int i = 0; i < 3; i++) gots[i].msg_hdr.msg_iov = &intos[i], gots[i].msg_hdr.msg_iovlen = 1;
    SHOW(recvmmsg(pair[1], gots, 3, MSG_DONTWAIT, NULL));
    printf("%u %u %s %s\n", gots[0].msg_len, gots[1].msg_len, texts[1], texts[2]);
    struct timeval limit = {0, 20000};
    SHOW(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    SHOW(recv(pair[1], text, 8, 0));
    int type;
    socklen_t length = sizeof type;
    SHOW(getsockopt(pair[1], SOL_SOCKET, SO_TYPE, &type, &length));
    printf("%d %u\n", type == SOCK_DGRAM, length);

    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    SHOW(bind(server, (struct sockaddr *)&address, sizeof address));
    SHOW(listen(server, 5));
    length = sizeof address;
    SHOW(getsockname(server, (struct sockaddr *)&address, &length));
    SHOW(connect(client, (struct sockaddr *)&address, sizeof address));
    struct sockaddr_in peer;
    length = sizeof peer;
    int accepted = accept4(server, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK);
    printf("%d %u %d\n", accepted >= 0, length, peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    int one = 1;
    SHOW(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    SHOW(send(client, "data", 4, 0));
    length = sizeof peer;
    char small[3] = {0};
    while (recvfrom(accepted, small, 2, 0, (struct sockaddr *)&peer, &length) < 0) {}
    printf("%s\n", small);
    SHOW(shutdown(client, SHUT_WR));
    SHOW(recv(accepted, text, 8, 0));
    SHOW(recv(accepted, text, 8, 0));
    SHOW(send(accepted, text, 8, MSG_NOSIGNAL));
    SHOW(getpeername(99, (struct sockaddr *)&peer, &length));
    SHOW(connect(client, BAD, 16));
}
