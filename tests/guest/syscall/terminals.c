/// native: yes
// Do terminal calls and their structures work on a pseudo terminal?
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void) {
    int master = -1, slave = -1;
    struct winsize size = {24, 80, 1, 2}, back = {0};
    SHOW(openpty(&master, &slave, NULL, NULL, &size) == 0);
    SHOW(ioctl(slave, TIOCGWINSZ, &back));
    printf("%d %d %d %d\n", back.ws_row, back.ws_col, back.ws_xpixel, back.ws_ypixel);
    struct termios settings;
    SHOW(tcgetattr(slave, &settings));
    printf("%x %x %x %x %d %d\n", settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag,
           settings.c_cc[VINTR], settings.c_cc[VMIN]);
    settings.c_lflag &= ~(ICANON | ECHO);
    settings.c_cc[VTIME] = 0;
    SHOW(tcsetattr(slave, TCSADRAIN, &settings));
    SHOW(write(master, "abc", 3));
    char text[8];
    SHOW(read(slave, text, sizeof text));
    SHOW(tcflush(slave, TCIOFLUSH));
    SHOW(tcdrain(slave));
    SHOW(isatty(slave));
    SHOW(tcgetpgrp(slave));
    int number = -1;
    SHOW(ioctl(master, TIOCGPTN, &number));
    printf("%d\n", number >= 0);
    SHOW(ioctl(slave, TCGETS, BAD));
}
